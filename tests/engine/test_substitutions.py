"""Whatever makes another model answer is said: once for each cause, with one model planned to serve and with two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ketl.cli.progress import Progress
from ketl.errors import LimitReachedError, ModelGoneError, ProviderError, RefusedError, RunError, UnusableReplyError
from ketl.provider.limits import Limits
from ketl.results.events import Substituted
from ketl.results.outcome import Status
from ketl.results.tally import Tally
from ketl.ui import words
from tests.engine.direct import Seen, jackets, work_through
from tests.fakes import SUCCESSOR, WESTERN, lanes_for, translated

GOOD = 6
"""So many calls are answered well before the first model begins to fail."""

Answer = Callable[[Any, dict[str, Any], int], Any]


def failing(make: Callable[[], RunError]) -> Answer:
    return lambda call, user, number: make() if call.model == WESTERN and number >= GOOD else translated(user)


def saying(text: Callable[[str], str]) -> Answer:
    def answer(call: Any, user: dict[str, Any], number: int) -> str:
        if call.model != WESTERN or number < GOOD:
            return translated(user)
        return translated(user, **{key: text(source) for key, source in user["segments"].items()})

    return answer


def limit(**more: Any) -> Answer:
    return failing(lambda: LimitReachedError("The limit is 500.", model=WESTERN, **more))


CAUSES: dict[str, tuple[Answer, str]] = {
    "retired": (failing(lambda: ModelGoneError("It is decommissioned.", model=WESTERN)), "is no longer available"),
    "spent day": (limit(kind="TPD", limit=2e5, used=2e5, requested=500, wait_s=4000), "its limit of tokens a day"),
    "too large": (limit(kind="TPM", limit=100, requested=500, too_large=True), "For some texts: The limit is 500"),
    "context": (failing(lambda: RefusedError("Reduce the length.", code="context_length_exceeded")), "Reduce the len"),
    "refused": (failing(lambda: RefusedError("Against the policy.", code="content_policy")), "Against the policy"),
    "no capacity": (limit(kind="CAPACITY"), "For some texts: The limit is 500"),
    "overloaded": (failing(lambda: ProviderError("Overloaded.", status=503)), "failed several times in a row"),
    "unusable": (failing(lambda: UnusableReplyError("It held no translation.")), "It held no translation"),
    "content refusal": (saying(lambda source: "I cannot help with that."), "did not pass the checks"),
    "damage": (saying(lambda source: f"{source} 777 888"), "did not pass the checks"),
}  # fmt: skip


@pytest.mark.parametrize("side_by_side", [1, 2])
@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_said_once(cause: str, side_by_side: int) -> None:
    answer, says = CAUSES[cause]
    happened = work_through(
        Seen(answer, models=(WESTERN, SUCCESSOR)), [[item] for item in jackets(24)], side_by_side=side_by_side
    )
    assert sum(outcome.status is Status.TRANSLATED for outcome in happened.outcomes.values()) >= 23
    (moved,) = happened.of(Substituted)
    assert (moved.source, moved.target) == (WESTERN, SUCCESSOR) and says in moved.reason
    assert "no other model may take" not in moved.reason


@pytest.mark.parametrize("side_by_side", [1, 2])
def test_a_model_that_falls_silent_is_said(side_by_side: int) -> None:
    provider = Seen(
        models=(WESTERN, SUCCESSOR),
        seconds=lambda call, user, number: 1e6 if call.model == WESTERN and number >= GOOD else 0.5,
    )
    lanes = lanes_for(provider, Limits(rpm=6000, rpm_burst=2))
    happened = work_through(provider, [[item] for item in jackets(24)], side_by_side=side_by_side, lanes=lanes)
    (moved,) = happened.of(Substituted)
    assert moved.target == SUCCESSOR and moved.reason == f"{WESTERN} did not answer in time"


def test_further_causes_are_said_beside_the_first() -> None:
    def answer(call: Any, user: dict[str, Any], number: int) -> Any:
        if call.model == WESTERN and number == GOOD:
            return RefusedError("Against the policy.", code="content_policy")
        if call.model == WESTERN and number == GOOD + 2:
            return LimitReachedError("Too long.", too_large=True, model=WESTERN)
        if call.model == WESTERN and number >= 2 * GOOD:
            return ModelGoneError("It is decommissioned.", model=WESTERN)
        return translated(user)

    provider = Seen(answer, models=(WESTERN, SUCCESSOR))
    lanes = lanes_for(provider, Limits(rpm=6000, rpm_burst=2))
    happened = work_through(provider, [[item] for item in jackets(24)], lanes=lanes)
    first, second, third = (moved.reason for moved in happened.of(Substituted))
    assert "Against the policy" in first and "Too long" in second and "no longer available" in third


def test_where_two_serve_side_by_side_and_both_are_well_nothing_is_said() -> None:
    happened = work_through(Seen(models=(WESTERN, SUCCESSOR)), [[item] for item in jackets(24)], side_by_side=2)
    assert happened.of(Substituted) == []


def test_it_is_a_word_on_the_command_line_and_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    moved = Substituted(WESTERN, SUCCESSOR, "The model is no longer available")
    Progress("groq").take(moved)
    assert capsys.readouterr().err == f"{WESTERN} → {SUCCESSOR}: The model is no longer available.\n"
    tally = Tally()
    tally.add(moved)
    assert tally.substitutions == [moved]
    listed = {"from": WESTERN, "to": SUCCESSOR, "reason": moved.reason}
    assert words.substitution(listed) == (f"The model is no longer available; {SUCCESSOR} took the place of {WESTERN}.")
