"""What a pack becomes after a failure: smaller, with more room, and with all that was known of it."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from ketl.errors import LimitReachedError, ProviderError, RefusedError, UnreachableError, UnusableReplyError
from ketl.provider.protocol import Reply
from ketl.results.events import Repaired
from tests.engine.direct import Seen, jackets, work_through
from tests.fakes import SUCCESSOR, WESTERN, FakeProvider, products, pseudo, selection, translate, translated


def cut_off(content: str) -> Reply:
    return Reply(content=content, finish_reason="length", prompt_tokens=100, completion_tokens=20)


def texts_of(provider: Seen, number: int) -> list[str]:
    return list(provider.calls[number][2]["segments"].values())


def test_a_pack_of_which_nothing_came_back_goes_again_in_halves() -> None:
    provider = Seen(lambda call, user, number: cut_off("{") if number == 0 else translated(user))
    happened = work_through(provider, [jackets(8)])
    assert provider.sizes == [8, 4, 4]
    assert sorted(texts_of(provider, 1) + texts_of(provider, 2)) == sorted(texts_of(provider, 0))
    assert len(happened.outcomes) == 8 and all(outcome.text for outcome in happened.outcomes.values())


def test_halves_of_which_nothing_came_back_either_are_halved_again() -> None:
    provider = Seen(lambda call, user, number: cut_off("{") if len(user["segments"]) > 2 else translated(user))
    happened = work_through(provider, [jackets(8)])
    assert sorted(provider.sizes) == [2, 2, 2, 2, 4, 4, 8]
    assert len(happened.outcomes) == 8


def test_only_what_was_left_out_goes_again_and_in_one_request() -> None:
    def answer(call, user, number):
        keys = list(user["segments"])
        return translated(user, **dict.fromkeys(keys[:3])) if number == 0 else translated(user)

    provider = Seen(answer)
    happened = work_through(provider, [jackets(8)])
    assert provider.sizes == [8, 3] and texts_of(provider, 1) == texts_of(provider, 0)[:3]
    assert len(happened.outcomes) == 8


def test_each_answer_that_was_cut_off_is_given_twice_the_room_on_the_next_try() -> None:
    provider = Seen(lambda call, user, number: cut_off("{") if number < 2 else translated(user))
    work_through(provider, [jackets(1)])
    rooms = [call.max_completion_tokens for call in provider.whole]
    # The lane learns from it as well, by half as much again at most.
    assert len(rooms) == 3
    assert all(later >= 1.8 * earlier for earlier, later in pairwise(rooms))


def test_what_was_left_out_but_not_cut_off_needs_no_more_room() -> None:
    def answer(call, user, number):
        return translated(user, **dict.fromkeys(list(user["segments"])[:1])) if number == 0 else translated(user)

    provider = Seen(answer)
    work_through(provider, [jackets(2)])
    first, second = (call.max_completion_tokens for call in provider.whole)
    assert second < first


@pytest.fixture
def refused_repair() -> Seen:
    """Two texts lose their number at first, and the request that repairs both is too large."""

    def answer(call, user, number):
        if number == 0:
            return json.dumps({key: pseudo(text, "es").replace("1", "7") for key, text in user["segments"].items()})
        if len(user["segments"]) > 1:
            return LimitReachedError("too large", kind="TPM", limit=8000, requested=9500, too_large=True)
        return translated(user)

    return Seen(answer, models=(WESTERN, SUCCESSOR))


def test_a_repair_that_is_split_still_names_the_faults(refused_repair: Seen) -> None:
    work_through(refused_repair, [jackets(2)])
    assert refused_repair.sizes == [2, 2, 1, 1]
    whole, *halves = (user.get("faults", {}) for _, _, user in refused_repair.calls[1:])
    assert len(whole) == 2 and all(any("1" in fault for fault in faults) for faults in whole.values())
    assert [next(iter(half.values())) for half in halves] == list(whole.values())


def test_a_repair_that_is_split_stands_on_its_rung_and_stays_with_its_model(refused_repair: Seen) -> None:
    happened = work_through(refused_repair, [jackets(2)])
    assert happened.of(Repaired) == [Repaired(1, True), Repaired(1, True)]
    assert {outcome.rung for outcome in happened.outcomes.values()} == {1}
    assert set(refused_repair.models_asked) == {WESTERN}


POISONED = {
    "answers without a translation": lambda: "I would rather not.",
    "refuses": lambda: RefusedError("Against the policy.", code="content_filter"),
    "fails": lambda: ProviderError("The provider failed (status 500).", status=500),
    "breaks the connection": lambda: UnreachableError("reset"),
    "sends what cannot be read": lambda: UnusableReplyError("unreadable"),
}


@pytest.mark.parametrize("models", [(WESTERN,), (WESTERN, SUCCESSOR)], ids=["one model", "two models"])
@pytest.mark.parametrize("kind", POISONED)
def test_one_text_that_spoils_its_pack_fails_alone(kind: str, models: tuple[str, ...]) -> None:
    def answer(call, user, number):
        poisoned = any("model 17" in text for text in user["segments"].values())
        return POISONED[kind]() if poisoned else translated(user)

    provider = FakeProvider(answer, models=models)
    result = translate(provider, selection(products(24), "es", "de", pack=16))
    failed = [row for row in result.rows() if row.status != "translated"]
    assert {row.source for row in failed} == {"Summit Jacket model 17"} and len(failed) == 2
    assert len(provider.calls) <= 60
    assert result.report["makespan_s"] < 120
