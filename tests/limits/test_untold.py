"""Limits that refusals do not name: found by what comes through, kept with few refusals, and no text lost to them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ketl.errors import LimitReachedError
from ketl.provider.books import UNTOLD, LaneBooks
from ketl.provider.limits import Limits
from ketl.provider.protocol import Call, Reply
from ketl.results.events import LimitReached
from tests.fakes import ASIAN, WESTERN, FakeProvider, lanes_for, products, selection, translate, translated

NOW = 1_000.0


def refusal(wait_s: float | None, kind: str | None = None) -> LimitReachedError:
    return LimitReachedError("limit", kind=kind, wait_s=wait_s, model=WESTERN)


def rest_s(books: LaneBooks, now: float) -> float:
    """Return how long nothing may be sent from `now` on."""
    at = now
    while (wait_s := books.delay(9, 9, at)[0]) > 0.0:
        at += wait_s
    return at - now


WAITS: dict[str, Callable[[float], float | None]] = {
    "none": lambda true_s: None,
    "exact": lambda true_s: true_s,
    "whole seconds": lambda true_s: float(math.ceil(true_s)),
    "always a second": lambda true_s: 1.0,
}


@dataclass
class Unspoken(FakeProvider):
    """A provider with a bucket of requests for each model, that only says no."""

    rpm: float = 60.0
    burst: int = 1
    wait: Callable[[float], float | None] = WAITS["none"]
    refused: int = 0
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    async def complete(self, call: Call) -> Reply:
        now = asyncio.get_running_loop().time()
        level, at = self._levels.get(call.model, (0.0, now))
        level = max(0.0, level - (now - at) * self.rpm / 60.0)
        if level + 1.0 > self.burst:
            self._levels[call.model] = level, now
            self.refused += 1
            await asyncio.sleep(0.002)
            raise refusal(self.wait((level + 1.0 - self.burst) * 60.0 / self.rpm))
        self._levels[call.model] = level + 1.0, now
        return await super().complete(call)


@pytest.mark.parametrize(("plan", "told"), [*(("auto", told) for told in WAITS), ("unlimited", "none")])
@pytest.mark.parametrize(("rpm", "burst", "most"), [(120, 1, 1.4), (60, 10, 1.2), (600, 10, 1.2)])
def test_no_text_is_lost_to_a_limit_without_a_name_and_little_time(
    rpm: int, burst: int, most: float, plan: str, told: str
) -> None:
    provider = Unspoken(models=(WESTERN,), rpm=rpm, burst=burst, wait=WAITS[told])
    report = translate(provider, selection(products(20), "es"), lanes_for(provider, plan=plan)).report
    assert report["translated"] == 60 and report["substitutions"] == []
    assert report["makespan_s"] <= most * (60 - burst) * 60.0 / rpm + 1.0
    # What is sent before the first refusal comes cannot be helped: with a plan that names no limits, everything.
    assert provider.refused <= (60 if plan == "unlimited" else 24) + 0.4 * 60


@pytest.mark.parametrize("wait_s", [None, 1.0])
def test_a_limit_of_requests_at_once_is_kept_too(wait_s: float | None) -> None:
    class AtOnce(FakeProvider):
        refused = 0

        async def complete(self, call: Call) -> Reply:
            if self.in_flight >= 4:
                self.refused += 1
                await asyncio.sleep(0.002)
                raise refusal(wait_s)
            return await super().complete(call)

    provider = AtOnce(models=(WESTERN,), seconds=lambda *_: 2.0)
    report = translate(provider, selection(products(20), "es", "fr"), lanes_for(provider, plan="auto")).report
    assert report["translated"] == 120 and provider.refused <= 60
    assert report["makespan_s"] <= 2.5 * 120 * 2.0 / 4


@pytest.mark.parametrize(("wait_s", "rests"), [(None, [1, 2, 4, 8, 16, 32, 60, 60]), (3.0, [3, 6, 12, 24, 48, 60])])
def test_while_nothing_comes_through_each_rest_is_twice_as_long(wait_s: float | None, rests: list[int]) -> None:
    books, now, seen = LaneBooks(Limits()), NOW, []
    for _ in rests:
        for charge in [books.charge(9, 9, now) for _ in range(3)]:
            books.refused(refusal(wait_s), charge, now + 0.002)
        rested_s = rest_s(books, now + 0.002)
        seen.append(round(rested_s))
        now += 0.002 + rested_s
    assert seen == rests


def test_after_something_came_through_a_rest_is_as_short_as_the_first() -> None:
    books, now = LaneBooks(Limits()), NOW
    for _ in range(3):
        books.refused(refusal(None), books.charge(9, 9, now), now + 0.002)
        now += 0.002 + rest_s(books, now + 0.002)
    books.charge(9, 9, now)  # this one comes through
    now += rest_s(books, now)
    books.refused(refusal(None), books.charge(9, 9, now), now + 0.002)
    assert books.delay(9, 9, now + 0.002) == (1.0, UNTOLD)


def test_a_limit_that_shows_no_more_is_forgotten() -> None:
    books, now = LaneBooks(Limits()), NOW
    books.refused(refusal(None), books.charge(9, 9, now), now)
    for _ in range(2_000):
        now += books.delay(9, 9, now)[0]
        books.charge(9, 9, now)
    assert now < NOW + 5.0 and rest_s(books, now) == 0.0


def test_limits_that_were_only_assumed_count_no_more() -> None:
    books = LaneBooks(Limits(rpm=30), auto=True)
    books.refused(refusal(None), books.charge(9, 9, NOW), NOW)
    assert books.limits == Limits() and books.proven


@pytest.mark.parametrize("kind", ["ITPD", "OTPD", "RPD"])
def test_a_day_s_limit_that_is_not_kept_book_of_is_spent_all_the_same(kind: str) -> None:
    books = LaneBooks(Limits())
    books.refused(refusal(4_000.0, kind), books.charge(9, 9, NOW), NOW)
    assert books.delay(9, 9, NOW) == (4_000.0, kind)


def test_the_wait_for_a_limit_without_a_name_is_told() -> None:
    provider = Unspoken(models=(WESTERN,), rpm=6, burst=2, wait=WAITS["exact"])
    told: list[LimitReached] = []
    translate(
        provider,
        selection(products(2), "es"),
        lanes_for(provider, plan="auto"),
        watch=lambda event: told.append(event) if isinstance(event, LimitReached) else None,
    )
    assert any(event.kind == UNTOLD and event.wait_s > 5 and not event.refused for event in told)


REFUSALS = {
    "bare": refusal(None),
    "a minute": refusal(60.0),
    "of a limit that is told": LimitReachedError(
        "limit", kind="RPM", limit=30, used=30, requested=1, wait_s=2.0, model=WESTERN
    ),
    "of nothing at all": LimitReachedError("limit", kind="TPM", wait_s=0.0, model=WESTERN),
    "of a day, for no time": LimitReachedError("limit", kind="RPD", wait_s=0.0, model=WESTERN),
    "for want of capacity": LimitReachedError("capacity", kind="CAPACITY", wait_s=5.0, model=WESTERN),
}


@pytest.mark.parametrize("said", REFUSALS)
def test_a_provider_that_refuses_for_ever_ends_a_run_in_minutes_with_few_calls_and_a_true_sentence(said: str) -> None:
    provider = FakeProvider(lambda *_: REFUSALS[said], models=(WESTERN, ASIAN))
    result = translate(provider, selection(products(20), "es"), lanes_for(provider, plan="auto"))
    report = result.report
    assert report["failed"] == 60 and report["total_s"] < 1_500.0
    assert len(provider.calls) <= 60 * 2 * 7
    if said != "for want of capacity":  # whose tries are counted
        assert {row.reason.partition(",")[0] for row in result.rows()} <= {
            f"The model {WESTERN} has refused every request for 5 min",
            f"The model {WESTERN} has refused every request for 5 min 3 s",
            "Every model for Spanish has spent a limit or brings nothing; the next may be asked "
            "again in 10 min. Run the rest again then.",
        }


def test_a_model_that_refuses_for_long_and_then_answers_is_waited_for() -> None:
    def answer(call: Call, user: dict[str, object], number: int) -> str | LimitReachedError:
        busy = asyncio.get_running_loop().time() - provider.calls[0][0] < 200.0
        return refusal(None) if busy else translated(user)

    provider = FakeProvider(answer, models=(WESTERN, ASIAN))
    report = translate(provider, selection(products(20), "es"), lanes_for(provider, plan="auto")).report
    assert report["translated"] == 60 and report["substitutions"] == []


def test_an_answer_between_refusals_begins_the_count_anew() -> None:
    lane = lanes_for(FakeProvider())[WESTERN]
    assert [lane.unanswered(at) for at in (0.0, 100.0, 200.0)] == [0.0, 100.0, 200.0]
    lane.succeeded(250.0)
    assert [lane.unanswered(at) for at in (300.0, 310.0)] == [0.0, 10.0]
    # After a long pause it is another story, too.
    assert lane.unanswered(500.0) == 0.0


def test_a_request_that_is_too_large_holds_no_other_back() -> None:
    books = LaneBooks(Limits())
    books.refused(LimitReachedError("large", too_large=True, model=WESTERN), books.charge(9, 9, NOW), NOW)
    assert books.delay(9, 9, NOW) == (0.0, "")
