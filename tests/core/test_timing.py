"""The comparison is honest: bounds, intervals and factors against figures worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.results.baseline import (
    SAMPLE_MAX,
    SAMPLE_MIN,
    Baseline,
    BaselineKind,
    LaneUse,
    bound_s,
    extrapolate,
    sample_size,
)
from ketl.results.gain import take_apart


def use(requests: int, tokens: float, *limits: tuple[str, float, float], shortest: float = 0.2, longest: float = 0.9):
    return LaneUse(
        requests=requests,
        tokens=tokens,
        completion_tokens=tokens / 2,
        shortest_s=shortest,
        longest_s=longest,
        limits=limits,
    )


@pytest.mark.parametrize(
    ("lane", "seconds"),
    [
        (use(60, 1e9), 0.9),
        (use(60, 5000, ("RPM", 30, 0.5)), 60.2),
        (use(30, 5000, ("RPM", 30, 0.5)), 0.9),
        (use(60, 40_000, ("RPM", 60, 0.5), ("TPM", 8000, 8000 / 60)), 240.2),
        (use(1200, 9, ("RPD", 1000, 1000 / 86_400)), 17_280.2),
        (use(60, 40_000, ("TPD", 0, 0.0)), 0.9),
        (use(60, 40_000, ("OTPM", 8000, 100.0)), 120.2),
    ],
    ids=[
        "no limit",
        "rpm",
        "burst covers all",
        "tokens bind",
        "the day binds",
        "no refill is no time",
        "only answers count",
    ],
)
def test_the_bound_is_the_bucket_arithmetic_plus_the_shortest_answer(lane: LaneUse, seconds: float) -> None:
    assert bound_s({"model": lane}) == pytest.approx(seconds)


def test_the_bound_is_the_slowest_lanes() -> None:
    lanes = {"a": use(60, 0, ("RPM", 30, 0.5)), "b": use(3, 0, longest=75.0), "c": use(40, 0, ("RPM", 30, 0.5))}
    assert bound_s(lanes) == 75.0
    assert bound_s({}) == 0.0


lane_uses = st.builds(
    LaneUse,
    requests=st.integers(1, 5000),
    tokens=st.floats(1, 1e7),
    completion_tokens=st.floats(0, 1e6),
    shortest_s=st.floats(0.01, 5),
    longest_s=st.floats(5, 90),
    limits=st.lists(
        st.tuples(st.sampled_from(["RPM", "TPM", "RPD"]), st.floats(0, 1e6), st.floats(1e-3, 1e5)), max_size=3
    ),
)


@given(st.dictionaries(st.sampled_from("abc"), lane_uses, min_size=1))
def test_no_bound_is_below_the_longest_request_or_any_lanes_own(lanes: dict[str, LaneUse]) -> None:
    whole = bound_s(lanes)
    assert whole >= max(lane.longest_s for lane in lanes.values())
    assert whole == max(bound_s({name: lane}) for name, lane in lanes.items())


@pytest.mark.parametrize(
    ("requests", "size"), [(0, 0), (1, 1), (4, 4), (5, 5), (50, 5), (51, 6), (120, 12), (300, 30), (20_000, 30)]
)
def test_a_sample_is_a_tenth_five_at_least_thirty_at_most(requests: int, size: int) -> None:
    assert sample_size(requests) == size


def test_a_sampled_baseline_has_the_textbook_interval() -> None:
    # mean 3, s = √2.5, t(4) = 2.78: half = 2.78 × √2.5 / √5 × 50 × √0.9
    sampled = extrapolate([1.0, 2.0, 3.0, 4.0, 5.0], 50)
    half = 2.78 * math.sqrt(2.5) / math.sqrt(5) * 50 * math.sqrt(0.9)
    assert sampled.kind is BaselineKind.SAMPLED and sampled.sample == 5
    assert sampled.seconds == pytest.approx(150.0)
    assert sampled.ci95_s == pytest.approx((150 - half, 150 + half))


def test_a_sample_of_everything_leaves_no_doubt_and_a_single_one_all_of_it() -> None:
    assert extrapolate([1.0, 2.0, 6.0], 3).ci95_s == pytest.approx((9.0, 9.0))
    assert extrapolate([2.0], 10) == Baseline(kind=BaselineKind.SAMPLED, seconds=20.0, ci95_s=None, sample=1)
    assert extrapolate([], 10).seconds == 0.0


@given(st.lists(st.floats(0.01, 60), min_size=2, max_size=SAMPLE_MAX), st.integers(0, 5000))
def test_the_interval_holds_the_estimate_and_is_never_negative(seconds: list[float], more: int) -> None:
    sampled = extrapolate(seconds, len(seconds) + more)
    assert sampled.ci95_s is not None
    low, high = sampled.ci95_s
    assert 0.0 <= low <= sampled.seconds * (1 + 1e-9) and sampled.seconds <= high * (1 + 1e-9)
    assert SAMPLE_MIN <= SAMPLE_MAX


@given(st.tuples(*[st.floats(0.001, 1e6)] * 5))
def test_what_each_idea_bought_multiplies_to_the_whole(times: tuple[float, ...]) -> None:
    steps = take_apart(*times)
    assert list(steps) == ["duplicates", "memory", "packing", "parallelism"]
    assert math.prod(step.factor for step in steps.values()) == pytest.approx(times[0] / times[-1], rel=1e-6)
    assert sum(step.seconds for step in steps.values()) == pytest.approx(times[0] - times[-1], rel=1e-6, abs=1e-6)


def test_a_run_from_memory_alone_divides_by_nothing() -> None:
    steps = take_apart(10.0, 8.0, 0.0, 0.0, 0.01)
    assert steps["duplicates"].factor == 1.25 and steps["memory"].seconds == 8.0
    assert all(math.isfinite(step.factor) for step in steps.values())
