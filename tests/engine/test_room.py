"""Room for answers: widened at the first sign, lent in proportion to the plan, and never for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.engine.work import WorkLimits
from ketl.errors import UnusableReplyError
from ketl.provider.limits import Limits
from ketl.provider.protocol import Call, Reply
from ketl.provider.token_factors import TokenFactors
from ketl.runs.result import RunResult
from tests.engine.direct import Seen, jackets, reply, work_through
from tests.fakes import ASIAN, SUCCESSOR, WESTERN, lanes_for, products, selection, translate, translated

Answer = Callable[[Call, dict[str, Any], int], Any]


def eaten(below: int, begun: str = "") -> Any:
    """Return an answer function whose hidden reasoning uses up every ceiling below this, but for a few signs."""

    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        if call.max_completion_tokens < below:
            return reply(begun, "length", completion=call.max_completion_tokens)
        return reply(translated(user), completion=below - 20)

    return answer


@pytest.mark.parametrize("begun", ["", "<think>", '{"', "<think>" + 'Is {"a": 1} one? ' * 20, "Sure! Here is"])
def test_requests_after_one_that_was_starved_have_room_at_once(begun: str) -> None:
    provider = Seen(eaten(700, begun), models=(WESTERN,))
    happened = work_through(provider, [[item] for item in jackets(40)], limits=WorkLimits(max_in_flight=2))
    assert len(happened.outcomes) == 40
    rooms = [call.max_completion_tokens for call in provider.whole]
    # Two were under way together, and once the lane finds out whether less does.
    assert sum(room < 700 for room in rooms) <= 4


def test_a_pack_that_was_starved_is_split_and_nothing_of_it_is_lost() -> None:
    provider = Seen(eaten(700), models=(WESTERN,))
    happened = work_through(provider, [jackets(8)])
    assert provider.sizes == [8, 4, 4]
    assert len(happened.outcomes) == 8 and all(outcome.text for outcome in happened.outcomes.values())


def test_a_burst_of_starved_answers_widens_the_room_once() -> None:
    one, burst = TokenFactors(), TokenFactors()
    one.starved(400)
    one.cut_off("de", 100, 170)
    for _ in range(50):
        burst.starved(400)
        burst.cut_off("de", 100, 170)
    assert burst.hidden == one.hidden and burst.ceiling("de", 100) == one.ceiling("de", 100)


@given(st.lists(st.tuples(st.sampled_from(["starved", "cut", "whole"]), st.integers(1, 60_000)), max_size=60))
def test_whatever_answers_took_the_room_stays_within_bounds_and_above_what_starved(ends: list[tuple[str, int]]) -> None:
    factors, starved_at = TokenFactors(), 0
    for end, tokens in ends:
        if end == "starved":
            factors.starved(tokens)
            starved_at = max(starved_at, tokens)
        elif end == "cut":
            factors.cut_off("de", 100, tokens)
        else:
            factors.learn("de", 100, 100, reasoning=min(tokens, 500))
        assert factors.hidden >= min(starved_at, 16_384)
        assert (
            factors.ordinary("de", 100) <= factors.ceiling("de", 100) <= factors.ceiling("de", 100, 64) <= 100 * 8 + 16
        )


def filled(content: Callable[[int], str], every: int = 0) -> Answer:
    """Return an answer function that fills each ceiling with this content and breaks off.

    `every`: one in so many answers is whole all the same.
    """

    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        if every and number % every == every - 1:
            return translated(user)
        return reply(content(call.max_completion_tokens), "length", completion=call.max_completion_tokens)

    return answer


BARREN: dict[str, Answer] = {
    "nothing": filled(lambda room: ""),
    "thinking": filled(lambda room: "<think>" + 'Is it {"a": 1}? ' * room),
    "a few signs": filled(lambda room: '{"x'),
    "line breaks without end": filled(lambda room: "{" + "\n" * room),
    "one word without end": filled(lambda room: '{"x": "' + "la " * room),
    "a few signs, and one in ten is whole": filled(lambda room: '{"x', 10),
    "nothing, and one in four is whole": filled(lambda room: "", 4),
    "a 400": lambda call, user, number: Reply("", "length", None, None, status=400),
    "no object": lambda call, user, number: reply("I would rather not."),
    "what cannot be read": lambda call, user, number: UnusableReplyError("unreadable"),
}


@pytest.mark.parametrize("count", [20, 100])
@pytest.mark.parametrize("models", [(WESTERN,), (WESTERN, ASIAN, SUCCESSOR)], ids=["one model", "three models"])
@pytest.mark.parametrize("kind", BARREN)
def test_however_answers_fail_what_they_take_is_bound_by_the_plan(
    kind: str, models: tuple[str, ...], count: int
) -> None:
    def spent_on(answer: Answer | None, pack: int | None) -> tuple[float, RunResult]:
        provider = Seen(answer, models=models)
        result = translate(provider, selection(products(count), "es", pack=pack))
        return sum(provider.tokens), result

    one_by_one, _ = spent_on(None, 1)
    took, result = spent_on(BARREN[kind], None)
    # No text is asked for more often than this, however its pack is halved; the room that is lent comes on top.
    assert took <= 8 * one_by_one + 65_536 * len(models)
    reasons = [row.reason for row in result.rows() if row.status == "failed"]
    assert len(reasons) == result.report["failed"] and all(reasons)


@pytest.mark.parametrize("models", [(WESTERN,), (WESTERN, ASIAN, SUCCESSOR)])
def test_a_model_that_never_writes_is_left_after_a_few_calls(models: tuple[str, ...]) -> None:
    provider = Seen(eaten(10**9), models=models)
    result = translate(provider, selection(products(20), "es", pack=None))
    assert result.report["failed"] == 60 and result.report["translated"] == 0
    # What it is widened to is asked once, not by all that wait.
    rooms = [call.max_completion_tokens for call in provider.whole]
    assert sum(room > 2_000 for room in rooms) <= 4 * len(models)
    assert any("answers, but brings no translation" in row.reason for row in result.rows())


@pytest.mark.parametrize("models", [(WESTERN,), (WESTERN, SUCCESSOR)], ids=["one model", "two models"])
@pytest.mark.parametrize("broken", ["es", "fr", "de"])
def test_a_language_that_a_model_cannot_write_costs_no_other(broken: str, models: tuple[str, ...]) -> None:
    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        if user["target_tag"] == broken:
            return reply("", "length", completion=call.max_completion_tokens)
        return translated(user)

    provider = Seen(answer, models=models)
    lanes = lanes_for(provider, Limits(rpm=120, rpm_burst=2))
    result = translate(provider, selection(products(10), "es", "fr", "de", pack=None), lanes)
    done = Counter((row.language_tag, row.status) for row in result.rows())
    assert {tag: done[tag, "translated"] for tag in ("es", "fr", "de")} == {
        tag: 0 if tag == broken else 30 for tag in ("es", "fr", "de")
    }


def test_a_model_that_was_left_alone_is_given_room_again_when_it_returns() -> None:
    provider = Seen(filled(lambda room: ""), models=(WESTERN,))
    lanes = lanes_for(provider)
    assert translate(provider, selection(products(20), "es"), lanes).report["translated"] == 0
    lanes[WESTERN].exhausted_until = 0.0
    provider.answer = eaten(12_000)
    assert translate(provider, selection(products(5), "es"), lanes).report["translated"] == 15


def test_answers_without_a_text_that_overtake_the_others_are_not_all_that_there_is() -> None:
    provider = Seen(lambda call, user, number: "No." if number % 2 else translated(user), models=(WESTERN,))
    provider.seconds = lambda call, user, number: 0.05 if number % 2 else 3.0
    report = translate(provider, selection(products(20), "es", pack=1)).report
    assert report["translated"] >= 58 and report["substitutions"] == []


def test_a_model_that_thinks_long_is_given_the_room_and_asked_by_all_again() -> None:
    provider = Seen(eaten(4_000), models=(WESTERN,))
    report = translate(provider, selection(products(20), "es", pack=1)).report
    assert report["translated"] == 60 and report["substitutions"] == []
    assert provider.most_in_flight > 10
