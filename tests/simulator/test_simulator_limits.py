"""Buckets refill without steps, are charged at admission, and speak of themselves as the provider does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.errors import SettingsError
from ketl.simulator.config import parse_limits, read_plan
from ketl.simulator.limits import Bucket, Gate, Limits, Shortage, duration
from ketl.simulator.refusals import limited


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def headers(gate: Gate) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in gate.headers()}


# Published answers of the live service: what was used, asked, allowed, and the wait it named.
@pytest.mark.parametrize(
    ("used", "asked", "limit", "period_s", "wait"),
    [
        (4437, 9854, 12000, 60, "11.455s"),
        (2542, 9855, 12000, 60, "1.985s"),
        (97050, 3619, 100000, 86400, "9m38.016s"),
    ],
)
def test_wait_is_that_of_published_refusals(
    used: float, asked: float, limit: float, period_s: float, wait: str
) -> None:
    bucket = Bucket("TPM", limit, period_s=period_s)
    bucket.charge(used, 5.0)
    assert duration(bucket.wait_s(asked, 5.0)) == wait


@pytest.mark.parametrize(
    ("spent", "limit", "period_s", "reset"),
    [(78, 8000, 60, "585ms"), (73, 8000, 60, "547ms"), (1, 1000, 86400, "1m26.4s")],
)
def test_reset_is_that_of_published_headers(spent: float, limit: float, period_s: float, reset: str) -> None:
    bucket = Bucket("TPM", limit, period_s=period_s)
    bucket.charge(spent, 5.0)
    assert duration(bucket.reset_s(5.0)) == reset


def test_hours_and_nothing_are_written_as_durations() -> None:
    assert duration(3723.5) == "1h2m3.5s"
    assert duration(0.0004) == "0s"


def test_a_minutes_worth_goes_at_once_then_one_every_two_seconds() -> None:
    clock = Clock()
    gate = Gate(Limits(rpm=30), clock)
    assert [gate.admit(10, 10) for _ in range(30)] == [None] * 30
    short = gate.admit(10, 10)
    assert short is not None and short.kind == "RPM" and short.wait_s == pytest.approx(2.0)
    clock.now_s += 1.99
    assert gate.admit(10, 10) is not None
    clock.now_s += 0.01
    assert gate.admit(10, 10) is None
    assert gate.admit(10, 10) is not None


def test_burst_smaller_than_a_minutes_worth_binds_first() -> None:
    gate = Gate(Limits(rpm=600, rpm_burst=30), Clock())
    admitted = sum(gate.admit(1, 1) is None for _ in range(40))
    short = gate.admit(1, 1)
    assert admitted == 30
    assert short is not None and short.wait_s == pytest.approx(0.1)
    assert (short.used + short.requested - short.limit) / short.limit * 60 == pytest.approx(short.wait_s)


def test_reservation_is_charged_and_given_back() -> None:
    gate = Gate(Limits(tpm=8000, rpd=1000), Clock())
    assert gate.admit(500, 1500) is None
    assert headers(gate)["x-ratelimit-remaining-tokens"] == "6000"
    gate.settle(1400, 1400)
    assert headers(gate) == {
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "999",
        "x-ratelimit-reset-requests": "1m26.4s",
        "x-ratelimit-limit-tokens": "8000",
        "x-ratelimit-remaining-tokens": "7400",
        "x-ratelimit-reset-tokens": "4.5s",
    }


def test_refused_request_is_charged_nothing() -> None:
    gate = Gate(Limits(rpm=30, tpm=1000), Clock())
    assert gate.admit(500, 400) is None
    assert gate.admit(500, 400) is not None
    assert gate.admit(50, 50) is None


def test_request_above_the_limit_is_413_without_wait_and_otpm_429() -> None:
    gate = Gate(read_plan("free")["qwen/qwen3.8-27b"], Clock())
    large = gate.admit(7200, 8192)
    assert large is not None
    refusal = limited("qwen/qwen3.8-27b", large)
    assert refusal.status == 413 and "(TPM): Limit 8000, Requested 15392" in str(refusal.error["message"])
    output = gate.admit(100, 1329)
    assert output is not None
    refusal = limited("qwen/qwen3.8-27b", output)
    assert refusal.status == 429 and "(OTPM): Limit 1000, Requested 1329" in str(refusal.error["message"])
    assert "try again in" not in str(refusal.error["message"]) and not refusal.headers


def test_refusal_names_kind_figures_wait_and_organization() -> None:
    refusal = limited("m", Shortage("TPM", 12000, 4437, 9854, 11.455))
    message = str(refusal.error["message"])
    assert "on tokens per minute (TPM): Limit 12000, Used 4437, Requested 9854. Please try again in 11.455s." in message
    assert "organization `org_" in message
    assert refusal.headers == ((b"retry-after", b"12"),)
    assert refusal.error["code"] == "rate_limit_exceeded"


def test_no_limit_shows_as_a_billion() -> None:
    gate = Gate(Limits(), Clock())
    assert gate.admit(10**6, 10**6) is None
    assert headers(gate)["x-ratelimit-remaining-tokens"] == "1000000000"


@given(
    limit=st.integers(10, 10_000),
    steps=st.lists(st.tuples(st.floats(0, 20), st.integers(1, 500)), min_size=1, max_size=60),
)
def test_never_more_is_admitted_than_capacity_plus_refill(limit: int, steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    start_s = clock.now_s
    gate = Gate(Limits(tpm=limit), clock)
    spent = 0
    for pause_s, tokens in steps:
        clock.now_s += pause_s
        if gate.admit(tokens, 0) is None:
            spent += tokens
        assert spent <= limit * (1 + (clock.now_s - start_s) / 60) * (1 + 1e-5)


@given(limit=st.integers(10, 10_000), first=st.integers(1, 500), second=st.integers(1, 500))
def test_the_named_wait_is_enough_and_not_more(limit: int, first: int, second: int) -> None:
    clock = Clock()
    gate = Gate(Limits(tpm=limit), clock)
    gate.admit(first, 0)
    short = gate.admit(second, 0)
    if short is None or short.wait_s is None:
        return
    clock.now_s += short.wait_s * 0.99
    assert gate.admit(second, 0) is not None
    clock.now_s += short.wait_s * 0.01
    assert gate.admit(second, 0) is None


def test_wrong_plan_file_is_named_in_words() -> None:
    with pytest.raises(SettingsError, match="not known. Did you mean rpm"):
        parse_limits({"m": {"rmp": 3}}, "plan.json")
    with pytest.raises(SettingsError, match="above 0"):
        parse_limits({"m": {"rpm": 0}}, "plan.json")
    with pytest.raises(SettingsError, match="Did you mean developer"):
        read_plan("develper")
