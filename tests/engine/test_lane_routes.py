"""Which lanes serve at this moment: chains go round, a failing lane is tried with care, a new plan is taken up."""

from __future__ import annotations

import itertools

import pytest

from ketl.engine.lane_routes import LaneRoute, LaneRoutes
from ketl.errors import ProviderError
from ketl.provider.lane import Lane
from ketl.provider.limits import UNLIMITED, Limits
from ketl.provider.models import model_facts
from ketl.provider.protocol import ListedModel
from ketl.provider.tiers import FREE, Tier, load_tier
from ketl.runs.connection import lanes_of
from tests.engine.direct import Seen, jackets, work_through
from tests.fakes import ASIAN, SUCCESSOR, WESTERN, translated

NOW = 1000.0


def chain_of(*names: str) -> list[Lane]:
    return [Lane(model_facts(name), UNLIMITED, auto=False) for name in names]


@pytest.fixture
def chain() -> list[Lane]:
    return chain_of(WESTERN, SUCCESSOR, ASIAN)


def routes(chain: list[Lane], serving: int = 1) -> LaneRoutes:
    return LaneRoutes({"western": LaneRoute(tuple(chain), tuple(chain[:serving]))})


def test_after_the_last_of_a_chain_comes_the_first(chain: list[Lane]) -> None:
    made = routes(chain)
    first, second, last = chain
    assert made.after("western", first, NOW) is second
    assert made.after("western", second, NOW) is last
    assert made.after("western", last, NOW) is first


def test_lanes_that_are_gone_or_spent_are_passed_over_on_the_way_round(chain: list[Lane]) -> None:
    first, second, last = chain
    first.gone = "retired"
    assert routes(chain).after("western", last, NOW) is second
    second.exhausted_until = NOW + 60
    assert routes(chain).after("western", last, NOW) is None
    assert routes(chain).after("western", last, NOW + 61) is second


def test_after_a_lane_of_another_chain_comes_the_first(chain: list[Lane]) -> None:
    [stranger] = chain_of("openai/gpt-oss-20b")
    assert routes(chain).after("western", stranger, NOW) is chain[0]


def test_the_only_lane_has_nobody_after_it() -> None:
    [only] = chain_of(WESTERN)
    assert routes([only]).after("western", only, NOW) is None


def test_those_planned_serve_while_they_can_then_the_first_that_can(chain: list[Lane]) -> None:
    made = routes(chain, serving=2)
    first, second, last = chain
    assert made.serving("western", NOW) == [first, second]
    first.closed_until = NOW + 5
    assert made.serving("western", NOW) == [second]
    second.gone = "retired"
    assert made.serving("western", NOW) == [last]
    last.exhausted_until = NOW + 60
    assert made.serving("western", NOW) == [first]  # closed for a while, but nothing else is left
    assert made.serving("western", NOW + 5) == [first]
    first.gone = "retired"
    assert made.serving("western", NOW) == [] and not made.alive("western", NOW)
    assert made.back_s("western", NOW) == 60


def test_a_failing_lane_passes_nothing_then_one_at_a_time_then_all() -> None:
    [lane] = chain_of(WESTERN)
    assert [lane.failed(NOW, NOW) for _ in range(5)] == [False] * 4 + [True] and lane.failing_since == NOW
    assert lane.close_for_a_while(NOW, "failed") and lane.closed_until == NOW + 1.0
    assert not lane.close_for_a_while(NOW + 0.5, "failed")
    lane.closed_until = NOW + 1.0
    assert not lane.open_at(NOW + 0.9)
    lane.in_flight = 1
    assert not lane.open_at(NOW + 1.1)
    lane.in_flight = 0
    assert lane.open_at(NOW + 1.1)
    assert lane.failed(NOW + 1.1, NOW + 1.2)
    lane.succeeded(NOW + 1.3)
    lane.in_flight = 300
    assert lane.open_at(NOW + 1.3)


@pytest.mark.parametrize("failures", [20, 2_000])
def test_no_lane_stays_closed_for_longer_than_ten_seconds(failures: int) -> None:
    [lane] = chain_of(WESTERN)
    for _ in range(failures):
        lane.close_for_a_while(NOW, "failed")
    assert lane.closed_until == NOW + 10.0


def test_what_was_in_flight_together_fails_together_and_counts_once() -> None:
    [lane] = chain_of(WESTERN)
    assert not any(lane.failed(NOW - 1 + n / 100, NOW + n / 1000) for n in range(50))
    assert lane.open_at(NOW + 0.1)


def test_a_lane_on_probation_is_sent_one_request_at_a_time() -> None:
    def answer(call, user, number):
        return ProviderError("down", status=503) if number < 30 else translated(user)

    provider = Seen(answer, models=(WESTERN,))
    happened = work_through(provider, [[item] for item in jackets(20)])
    assert len(happened.outcomes) == 20
    # All went out at once and failed, some again, so the lane closed; the next one goes alone until it has answered.
    gaps = [after - before for before, after in itertools.pairwise(provider.began)]
    closed = next(at for at, gap in enumerate(gaps) if gap >= 0.9)
    probe = next(at for at in range(closed + 1, len(gaps)) if at >= 30)
    assert min(gaps[closed:probe]) >= 0.9 and gaps[probe] >= 0.499


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (load_tier("free"), load_tier("unlimited")),
        (load_tier("free"), Tier(name="ours.json", default=Limits(rpm=7))),
        (load_tier("unlimited"), load_tier("auto")),
    ],
    ids=["unlimited", "a file", "auto"],
)
def test_another_plan_replaces_the_limits_of_lanes_that_are_known_and_keeps_what_is_spent(
    first: Tier, second: Tier
) -> None:
    listed = [ListedModel(id=WESTERN)]
    account = f"account of {first.name} and {second.name}"
    lane = lanes_of(account, listed, first, {})[WESTERN]
    lane.books.charge(100, 50, NOW)
    again = lanes_of(account, listed, second, {})[WESTERN]
    assert again is lane and lane.plan == second.name
    assert lane.books.limits == second.default and lane.books.auto is second.auto
    if lane.books.limits.rpm and first.default.rpm:
        assert lane.books.levels(NOW)["RPM"] == 1


def test_the_same_plan_again_keeps_what_answers_taught() -> None:
    listed, tier = [ListedModel(id=WESTERN)], load_tier("auto")
    lane = lanes_of("account that learned", listed, tier, {})[WESTERN]
    assert lane.books.limits == FREE
    lane.books.adopt(Limits(rpm=600), auto=True)
    assert lanes_of("account that learned", listed, tier, {})[WESTERN].books.limits == Limits(rpm=600)
