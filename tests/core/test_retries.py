"""Every failure has an action, and no wait is longer than its cap."""

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
    Action,
    Decision,
    backoff_s,
    decide,
)
from ketl.errors import (
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
    *(RefusedError("no"), RefusedError("spent", code="blocked_api_access"), UnusableReplyError("empty")),
    *(ProviderError("down", status=503), UnreachableError("reset"), UnreachableError("late", timed_out=True)),
]
seeds = st.integers(0, 2**32).map(random.Random)


def act(error: RunError, *, tries: int = 1, refusals: int = 0, segments: int = 1) -> Action:
    return decide(error, tries=tries, refusals=refusals, segments=segments, rng=random.Random(1)).action


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
    assert act(error, tries=MAX_TRIES, refusals=MAX_REFUSALS, segments=segments) is not Action.AGAIN


@given(st.integers(0, 60), seeds)
def test_backing_off_stays_between_nothing_and_its_cap(tries: int, rng: random.Random) -> None:
    assert 0.0 <= backoff_s(tries, rng) <= min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2**tries)


def test_backing_off_uses_the_whole_range_so_that_no_herd_forms() -> None:
    rng = random.Random(7)
    waits = [backoff_s(3, rng) for _ in range(2000)]
    assert min(waits) < 0.02 and max(waits) > 1.58
    assert sum(waits) / len(waits) == pytest.approx(0.8, rel=0.05)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (AuthenticationError("key"), Action.STOP),
        (RefusedError("spent", code="blocked_api_access"), Action.STOP),
        (RefusedError("no such parameter", code="invalid"), Action.NEXT_MODEL),
        (RefusedError("a firewall", code=BLOCKED), Action.STOP),
        (ModelGoneError("gone"), Action.NEXT_MODEL),
        (TOO_LARGE, Action.NEXT_MODEL),
        (RATE_LIMIT, Action.AGAIN),
        (FULL, Action.AGAIN),
        (UnusableReplyError("empty"), Action.AGAIN),
        (ProviderError("down", status=500), Action.AGAIN),
        (UnreachableError("reset"), Action.AGAIN),
        (RunError("never seen"), Action.FAIL),
    ],
    ids=lambda v: f"{type(v).__name__}:{v}" if isinstance(v, RunError) else v.name,
)
def test_the_first_failure_leads_to(error: RunError, action: Action) -> None:
    assert act(error) is action


def test_a_request_too_large_is_split_while_it_has_parts() -> None:
    assert act(TOO_LARGE, segments=2) is Action.SPLIT


def test_a_refusal_for_a_limit_is_no_try_and_the_books_do_the_waiting() -> None:
    assert decide(RATE_LIMIT, tries=9, refusals=3, segments=1, rng=random.Random(1)) == Decision(Action.AGAIN, 0.0)


def test_a_model_that_keeps_answering_uselessly_is_left() -> None:
    steps = [act(UnusableReplyError("empty"), tries=tries) for tries in range(1, MAX_TRIES + 1)]
    assert steps == [Action.AGAIN] * 2 + [Action.NEXT_MODEL] * 3 + [Action.FAIL]


def test_no_free_capacity_is_waited_for_and_then_left_for_another_model() -> None:
    assert act(FULL, tries=MAX_TRIES - 1) is Action.AGAIN and act(FULL, tries=MAX_TRIES) is Action.NEXT_MODEL


def test_the_providers_own_wait_is_kept_to() -> None:
    busy = ProviderError("busy", status=503, wait_s=4.0)
    assert decide(busy, tries=1, refusals=0, segments=1, rng=random.Random(1)).wait_s == 4.0
    full = LimitReachedError("full", kind="CAPACITY", wait_s=2.5)
    assert decide(full, tries=1, refusals=0, segments=1, rng=random.Random(1)).wait_s == 2.5
