"""Every failure has a remedy, and no wait is longer than its cap."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.engine.retries import (
    BACKOFF_BASE_S,
    BACKOFF_CAP_S,
    MAX_REFUSALS,
    MAX_TRIES,
    MAX_WAIT_S,
    Decision,
    Remedy,
    backoff_s,
    decide,
)
from ketl.errors import (
    ACCOUNT,
    BLOCKED,
    AuthenticationError,
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RefusedError,
    RunError,
    UnreachableError,
    UnusableReplyError,
)

RATE_LIMIT = LimitReachedError("limit", kind="TPM", limit=8000, used=7000, requested=2000, wait_s=7.5)
TOO_LARGE = LimitReachedError("large", kind="TPM", limit=8000, requested=9000, too_large=True)
FULL = LimitReachedError("full", kind="CAPACITY")
FAMILY = [
    *(RATE_LIMIT, TOO_LARGE, FULL, RunError("other"), AuthenticationError("key"), ModelGoneError("gone")),
    *(RefusedError("no"), RefusedError("spent", code=ACCOUNT), UnusableReplyError("empty")),
    *(ProviderError("down", status=503), UnreachableError("reset"), UnreachableError("late", timed_out=True)),
]
seeds = st.integers(0, 2**32).map(random.Random)


def act(error: RunError, *, tries: int = 1, refusals: int = 0, segments: int = 1) -> Remedy:
    return decide(error, tries=tries, refusals=refusals, segments=segments, rng=random.Random(1)).remedy


@given(st.sampled_from(FAMILY), st.integers(0, 80), st.integers(0, 200), st.integers(1, 48), seeds)
def test_every_failure_has_an_action_and_a_wait_within_its_cap(error, tries, refusals, segments, rng) -> None:
    decision = decide(error, tries=tries, refusals=refusals, segments=segments, rng=rng)
    assert isinstance(decision, Decision) and 0.0 <= decision.wait_s <= BACKOFF_CAP_S


@given(st.floats(0, 1e9), st.integers(0, 10), seeds)
def test_no_wait_that_a_provider_asks_for_is_kept_beyond_a_minute(said: float, tries: int, rng) -> None:
    for error in (ProviderError("busy", status=503, wait_s=said), LimitReachedError("x", kind="CAPACITY", wait_s=said)):
        assert decide(error, tries=tries, refusals=0, segments=1, rng=rng).wait_s <= MAX_WAIT_S


@given(st.sampled_from(FAMILY), st.integers(1, 48))
def test_no_failure_is_tried_for_ever(error: RunError, segments: int) -> None:
    assert act(error, tries=MAX_TRIES, refusals=MAX_REFUSALS, segments=segments) is not Remedy.AGAIN


@given(st.integers(0, 60), seeds)
def test_backing_off_stays_between_nothing_and_its_cap(tries: int, rng: random.Random) -> None:
    assert 0.0 <= backoff_s(tries, rng) <= min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2**tries)


def test_backing_off_uses_the_whole_range_so_that_no_herd_forms() -> None:
    rng = random.Random(7)
    waits = [backoff_s(3, rng) for _ in range(2000)]
    assert min(waits) < 0.02 and max(waits) > 1.58
    assert sum(waits) / len(waits) == pytest.approx(0.8, rel=0.05)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (AuthenticationError("key"), Remedy.STOP),
        (RefusedError("spent", code=ACCOUNT), Remedy.STOP),
        (RefusedError("no such parameter", code="invalid"), Remedy.NEXT_MODEL),
        (RefusedError("a firewall", code=BLOCKED), Remedy.STOP),
        (ModelGoneError("gone"), Remedy.NEXT_MODEL),
        (TOO_LARGE, Remedy.NEXT_MODEL),
        (RATE_LIMIT, Remedy.AGAIN),
        (FULL, Remedy.AGAIN),
        (UnusableReplyError("empty"), Remedy.AGAIN),
        (ProviderError("down", status=500), Remedy.AGAIN),
        (UnreachableError("reset"), Remedy.AGAIN),
        (RunError("never seen"), Remedy.FAIL),
    ],
    ids=lambda v: f"{type(v).__name__}:{v}" if isinstance(v, RunError) else v.name,
)
def test_the_first_failure_leads_to(error: RunError, remedy: Remedy) -> None:
    assert act(error) is remedy


def test_a_request_too_large_is_split_while_it_has_parts() -> None:
    assert act(TOO_LARGE, segments=2) is Remedy.SPLIT


def test_a_refusal_for_a_limit_is_no_try_and_the_books_do_the_waiting() -> None:
    assert decide(RATE_LIMIT, tries=9, refusals=3, segments=1, rng=random.Random(1)) == Decision(Remedy.AGAIN, 0.0)


def test_a_model_that_keeps_answering_uselessly_is_left() -> None:
    steps = [act(UnusableReplyError("empty"), tries=tries) for tries in range(1, MAX_TRIES + 1)]
    assert steps == [Remedy.AGAIN] * 2 + [Remedy.NEXT_MODEL] * 3 + [Remedy.FAIL]


def test_no_free_capacity_is_waited_for_and_then_left_for_another_model() -> None:
    assert act(FULL, tries=MAX_TRIES - 1) is Remedy.AGAIN and act(FULL, tries=MAX_TRIES) is Remedy.NEXT_MODEL


def test_the_providers_own_wait_is_kept_to() -> None:
    busy = ProviderError("busy", status=503, wait_s=4.0)
    assert decide(busy, tries=1, refusals=0, segments=1, rng=random.Random(1)).wait_s == 4.0
    full = LimitReachedError("full", kind="CAPACITY", wait_s=2.5)
    assert decide(full, tries=1, refusals=0, segments=1, rng=random.Random(1)).wait_s == 2.5
