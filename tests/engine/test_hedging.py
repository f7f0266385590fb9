"""Late requests are raced: few, in another lane, the loser cancelled; and none waits longer than its deadline."""

from __future__ import annotations

import asyncio
import random
import statistics

import pytest

from ketl.engine.work import Work, WorkLimits
from ketl.provider.models import model_facts
from ketl.provider.service_times import ServiceTimes
from ketl.results.events import Answered, Substituted
from tests.engine.direct import Seen, jackets, work_through
from tests.fakes import ASIAN, SUCCESSOR, WESTERN


def singles(count: int):
    return [[item] for item in jackets(count)]


def test_hedges_are_a_small_share_of_the_requests_however_many_are_slow() -> None:
    provider = Seen(seconds=lambda call, user, number: 9.0 if number % 10 == 5 and number < 200 else 0.5)
    happened = work_through(provider, singles(200))
    hedges = [event for event in happened.of(Answered) if event.kind == "hedge"]
    assert len(happened.outcomes) == 200
    # A hedge is sent while those before it are fewer than 3 % of what was sent: 7 of the 20 that are slow.
    assert len(hedges) == 7
    assert len(provider.whole) == 200 + len(hedges)


def test_the_loser_of_a_race_is_cancelled_when_the_winner_answers() -> None:
    provider = Seen(seconds=lambda call, user, number: 1e6 if number == 17 else 0.5)
    happened = work_through(provider, singles(40))
    [hedge] = [event for event in happened.of(Answered) if event.kind == "hedge"]
    [loser] = [event for event in happened.of(Answered) if event.status == "superseded"]
    assert loser.request == hedge.request and loser.kind == "first"
    won_at = provider.began[0] + hedge.start_s + hedge.seconds
    assert provider.cancelled == {17: pytest.approx(won_at, abs=0.01)}


def test_an_answer_that_comes_in_time_after_all_cancels_the_second_attempt() -> None:
    provider = Seen(seconds=lambda call, user, number: {17: 4.5}.get(number, 1e6 if number == 40 else 0.5))
    happened = work_through(provider, singles(40))
    assert len(happened.outcomes) == 40
    assert provider.cancelled == {40: pytest.approx(provider.began[17] + 4.5, abs=0.01)}


@pytest.mark.parametrize("slow", [WESTERN, SUCCESSOR])
def test_the_second_attempt_takes_another_lane_when_one_is_free(slow: str) -> None:
    hung: list[str] = []

    def seconds(call, user, number):
        if call.model == slow and not hung:
            hung.append(call.user)
            return 1e6
        return 0.5

    provider = Seen(models=(WESTERN, SUCCESSOR), seconds=seconds)
    happened = work_through(provider, singles(40), side_by_side=2)
    assert len(happened.outcomes) == 40
    asked = [call.model for call in provider.whole if call.user == hung[0]]
    assert asked == [slow, ({WESTERN, SUCCESSOR} - {slow}).pop()]


def test_a_retry_of_a_slow_request_gets_twice_the_time_of_the_try_before() -> None:
    provider = Seen(seconds=lambda call, user, number: 1e6 if number < 1 else 200.0)
    happened = work_through(provider, singles(1), limits=WorkLimits(hedging=False))
    ends = [(event.status, event.seconds) for event in happened.of(Answered)]
    # Nothing is known of the server's speed, so it gets two minutes and then four, looked at every half second.
    assert ends == [("timeout", pytest.approx(120.0, abs=0.51)), ("200", pytest.approx(200.0, abs=0.01))]


def test_in_a_silent_lane_one_is_asked_again_before_all_are_given_up() -> None:
    provider = Seen(seconds=lambda call, user, number: 1e6)
    happened = work_through(provider, singles(12))
    ends = [(event.status, round(event.start_s + event.seconds, -1)) for event in happened.of(Answered)]
    assert ends == [("timeout", 120.0)] + [("cancelled", 360.0)] * 12
    # Nothing was ever heard of this server: the run ends with a sentence, not after hours.
    assert happened.ended_at - provider.began[0] < 365.0
    assert "has answered none in 6 min" in str(happened.work.stopped)


def test_a_model_that_falls_silent_is_left_for_the_next_of_its_chain_and_that_is_said() -> None:
    provider = Seen(
        models=(WESTERN, SUCCESSOR),
        seconds=lambda call, user, number: 1e6 if call.model == WESTERN and number >= 20 else 0.5,
    )

    async def then(work: Work) -> None:
        await asyncio.sleep(0.3)
        for item in jackets(30)[20:]:
            work.put([item])

    happened = work_through(provider, singles(20), meddle=then)
    assert len(happened.outcomes) == 30
    # Ten seconds without a word where answers take half a second, then twenty for the one that was sent again.
    assert happened.ended_at - provider.began[0] < 40.0
    [moved] = happened.of(Substituted)
    assert (moved.source, moved.target) == (WESTERN, SUCCESSOR) and "did not answer in time" in moved.reason


# Twenty-two answers of 16/22 s, one of 3 and one of 5: the mean is 1 s, so ratios are seconds. Their product-limit
# estimate by hand (Kaplan and Meier, 1958): after the n-th of 24, (24 - n) / 24 are still on their way.
QUICK = 16 / 22


@pytest.mark.parametrize(
    ("ages", "trigger"),
    [
        ([], 1.5 * 3.0),  # after the 23rd 1/24 = 4.2 % are left, so 3 s is the p95
        ([0.1] * 300, 1.5 * 3.0),  # younger than every answer: at risk nowhere
        ([10.0], 1.5 * 5.0),  # one is older than all: 2/25 = 8 % after the 23rd, 4 % after the 24th
        ([4.0], 1.05 * 5.0),  # at risk until 4 s, so 8 % after the 23rd; none after the 24th
        ([10.0, 10.0], float("inf")),  # 2/26 = 7.7 % are not known to have ended
        ([10.0] * 24, float("inf")),
    ],
    ids=["none in flight", "young ones", "one old", "one between", "two old", "half"],
)
def test_the_trigger_counts_those_in_flight_as_longer_than_their_age(ages: list[float], trigger: float) -> None:
    times = ServiceTimes(model_facts(WESTERN))
    for seconds in [QUICK] * 22 + [3.0, 5.0]:
        times.learn(100.0, seconds)
    assert times.predict(100.0) == pytest.approx(1.0)
    assert times.lateness(ages) == pytest.approx(trigger)


def test_the_median_holds_the_trigger_up_where_answers_are_alike() -> None:
    times = ServiceTimes(model_facts(WESTERN))
    for _ in range(24):
        times.learn(100.0, 2.0)
    assert times.lateness([]) == pytest.approx(1.6)
    assert not times.may_be_late(100.0, 3.1) and times.may_be_late(100.0, 3.3)


def stragglers(seed: int) -> tuple[float, int]:
    """Return how long 360 uniform answers took in units of the longest, and the calls that were made for them.

    One in a hundred answers takes ten times as long, one in two hundred never comes.
    """
    chance, longest = random.Random(seed), 1.3

    def seconds(call, user, number):
        plain, luck = chance.uniform(0.15, longest), chance.random()
        return 1e6 if luck < 0.005 else 10 * plain if luck < 0.015 else plain

    provider = Seen(models=(WESTERN, ASIAN, SUCCESSOR), seconds=seconds)
    happened = work_through(provider, singles(360), side_by_side=3)
    return (happened.ended_at - provider.began[0]) / longest, len(provider.whole)


def test_stragglers_among_uniform_answers_cost_less_than_another_answers_time() -> None:
    trials = [stragglers(seed) for seed in range(40)]
    assert statistics.median(ratio for ratio, _ in trials) <= 2.0
    assert statistics.median(calls for _, calls in trials) <= 1.03 * 360
