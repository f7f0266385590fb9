"""Who goes first: what was tried before, then the longest; and of two bad drafts the better is kept."""

from __future__ import annotations

import json

import pytest

from ketl.checks.base import Finding, Severity
from ketl.engine.queues import Queues
from ketl.engine.repair_ladder import Ladder
from ketl.engine.request import Request, estimate
from ketl.errors import LimitReachedError, ProviderError
from ketl.prompts.judging import NOT_A_TRANSLATION
from ketl.provider.lane import Lane
from ketl.provider.limits import UNLIMITED, Limits
from ketl.provider.models import model_facts
from ketl.results.outcome import Status
from tests.engine.direct import Seen, jackets, prepared, work_through
from tests.fakes import SUCCESSOR, WESTERN, lanes_for, pseudo, translated

ONE_A_SECOND = Limits(rpm=60, rpm_burst=1)


def asked(provider: Seen) -> list[str]:
    return [next(iter(user["segments"].values())) for _, _, user in provider.calls]


@pytest.mark.parametrize(
    "fault",
    [
        ProviderError("broken", status=500),
        LimitReachedError("full", kind="CAPACITY"),
        LimitReachedError("limit", kind="RPM", limit=60, used=1, requested=1, wait_s=1.0),
    ],
    ids=["500", "capacity", "limit"],
)
def test_a_request_that_failed_is_the_next_to_go(fault: Exception) -> None:
    provider = Seen(lambda call, user, number: fault if number == 3 else translated(user), models=(WESTERN,))
    happened = work_through(provider, [[x] for x in jackets(12)], lanes=lanes_for(provider, ONE_A_SECOND))
    texts = asked(provider)
    assert len(happened.outcomes) == 12 and len(texts) == 13
    # While it backs off, one other may take the place that the provider gave back.
    assert texts[3] in texts[4:6]


def test_a_repair_goes_before_what_was_never_asked() -> None:
    def answer(call, user, number):
        key, text = next(iter(user["segments"].items()))
        return json.dumps({key: pseudo(text, "es").replace("1", "7")}) if number == 3 else translated(user)

    provider = Seen(answer, models=(WESTERN,))
    work_through(provider, [[x] for x in jackets(12)], lanes=lanes_for(provider, ONE_A_SECOND))
    texts = asked(provider)
    assert texts[4] == texts[3] and "faults" in provider.calls[4][2]


def request(number: int, source: str, lane: Lane | None = None) -> Request:
    items = prepared(source)
    prompt, completion = estimate(items)
    return Request(number, "western", items[0].segment.language, items, prompt, completion, lane=lane)


@pytest.fixture
def lane() -> Lane:
    return Lane(model_facts(WESTERN), UNLIMITED, auto=False)


def test_a_queue_gives_the_longest_first_and_looking_takes_nothing(lane: Lane) -> None:
    queues = Queues(["western"])
    short, long = request(1, "Short."), request(2, "A good deal longer than that, word after word after word.")
    queues.push(short, front=False)
    queues.push(long, front=False)
    assert queues.pick(lane, lambda group: [lane]) is long
    assert queues.pick(lane, lambda group: [lane]) is long and len(queues) == 2
    queues.pop(long)
    assert queues.pick(lane, lambda group: [lane]) is short and len(queues) == 1


def test_exactly_the_request_that_was_found_is_taken_even_if_another_came_before_it(lane: Lane) -> None:
    queues = Queues(["western"])
    found = request(1, "Found first.")
    queues.push(found, front=False)
    for number in range(2, 9):
        queues.push(request(number, f"Pushed to the front, number {number}."), front=True)
    queues.pop(found)
    assert sorted(r.number for r in queues.drain()) == [2, 3, 4, 5, 6, 7, 8]
    with pytest.raises(ValueError, match="request 1 waits in no queue"):
        queues.pop(found)


def test_a_pinned_request_waits_for_its_own_lane_and_goes_before_all_others_there(lane: Lane) -> None:
    other = Lane(model_facts(SUCCESSOR), UNLIMITED, auto=False)
    queues = Queues(["western"])
    free, pinned = request(1, "For whoever is free."), request(2, "For one.", other)
    queues.push(free, front=False)
    queues.push(pinned, front=False)
    assert queues.pick(lane, lambda group: [lane, other]) is free
    assert queues.pick(other, lambda group: [lane, other]) is pinned
    assert queues.pick(other, lambda group: [lane]) is pinned
    queues.pop(pinned)
    assert queues.pick(other, lambda group: [lane]) is None


def faults(*ids: str) -> tuple[Finding, ...]:
    return tuple(Finding(ident, Severity.ERROR, f"{ident} is wrong.") for ident in ids)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (("numbers",), ("numbers", "length"), "first"),
        (("numbers", "length"), ("numbers",), "second"),
        (("numbers",), ("length",), "second"),
        (("numbers", "length"), ("chatter",), "first"),
        (("chatter",), ("numbers", "length"), "second"),
    ],
    ids=["worse", "better", "as bad", "no translation", "a translation at last"],
)
def test_of_two_bad_answers_the_better_is_the_draft_a_person_gets(
    first: tuple[str, ...], second: tuple[str, ...], kept: str
) -> None:
    ladder = Ladder(lambda event: None)
    asking = request(1, "A warm jacket with 2 pockets.")
    [item] = asking.items
    assert ladder.judge(asking, item, "first", faults(*first), WESTERN, 1.0) is None
    asking.rung = 1
    assert ladder.judge(asking, item, "second", faults(*second), SUCCESSOR, 1.0) is None
    assert ladder.top(item).text == kept


def test_a_good_answer_leaves_no_draft_behind() -> None:
    ladder = Ladder(lambda event: None)
    asking = request(1, "A warm jacket with 2 pockets.")
    [item] = asking.items
    ladder.judge(asking, item, "bad", faults("numbers"), WESTERN, 1.0)
    asking.rung = 1
    ended = ladder.judge(asking, item, "good", (), WESTERN, 1.0)
    assert ended is not None and ended.text == "good" and not ladder.has_draft(item)


@pytest.mark.parametrize("ident", sorted(NOT_A_TRANSLATION))
def test_what_is_no_translation_is_not_even_shown_as_a_draft(ident: str) -> None:
    ladder = Ladder(lambda event: None)
    asking = request(1, "A warm jacket.")
    [item] = asking.items
    ladder.judge(asking, item, "something else", faults("numbers", ident), WESTERN, 1.0)
    ended = ladder.top(item)
    assert (ended.status, ended.text) == (Status.FAILED, "")
    assert ended.reason == f"No usable translation came back. {ident} is wrong."


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", '<img src=x onerror="alert(1)">'])
def test_markup_that_could_harm_a_shop_is_never_shown_whatever_rung_it_comes_from(payload: str) -> None:
    def answer(call, user, number):
        return json.dumps({key: pseudo(text, "es") + payload for key, text in user["segments"].items()})

    provider = Seen(answer, models=(WESTERN, SUCCESSOR))
    happened = work_through(provider, [jackets(1)])
    [outcome] = happened.outcomes.values()
    assert len(provider.whole) >= 3 and set(provider.models_asked) == {WESTERN, SUCCESSOR}
    assert (outcome.status, outcome.text) == (Status.FAILED, "")
    assert outcome.reason.startswith("No usable translation came back.")
