"""Forecasts agree with the bucket arithmetic worked out by hand, and never promise less than the bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.planning.forecast import Load, forecast
from ketl.provider.lane import Lane
from ketl.provider.limits import UNLIMITED, Limits
from ketl.provider.models import MODELS, model_facts
from ketl.provider.tiers import FREE

A, B = "llama-3.3-70b-versatile", "openai/gpt-oss-120b"


def lanes(**limits: Limits) -> dict[str, Lane]:
    names = {"a": A, "b": B}
    return {names[key]: Lane(model_facts(names[key]), value, auto=False) for key, value in limits.items()}


def load(requests: float, *models: str, prompt: float = 300, completion: float = 140, group: str = "western") -> Load:
    return Load(group=group, lanes=models, requests=requests, prompt_tokens=prompt, completion_tokens=completion)


# What one answer of 140 tokens takes on the first model by the table.
SERVICE_S = MODELS[A].first_token_s + 140 / MODELS[A].tokens_per_s


@pytest.mark.parametrize(
    ("limits", "requests", "admission_s", "binding"),
    [
        (Limits(rpm=30), 30, 0, ""),
        (Limits(rpm=30), 40, 20, "RPM"),
        (Limits(rpm=600, rpm_burst=30), 330, 30, "RPM"),
        (Limits(tpm=8000), 40, (40 * 440 - 8000) / (8000 / 60), "TPM"),
        (Limits(otpm=1000), 40, (40 * 140 - 1000) / (1000 / 60), "OTPM"),
        (Limits(rpd=1000), 1100, 100 * 86.4, "RPD"),
    ],
    ids=["burst covers all", "rpm", "rpm with a burst", "tpm", "otpm", "the day"],
)
def test_the_time_is_the_admission_of_the_last_request_plus_its_answer(
    limits: Limits, requests: int, admission_s: float, binding: str
) -> None:
    made = forecast([load(requests, A)], lanes(a=limits), 0.0)
    # Requests beyond what runs at once wait for a free place, which no limit of these counts.
    assert made.seconds == pytest.approx(admission_s + SERVICE_S, rel=0.01, abs=0.7)
    assert made.seconds >= (admission_s + SERVICE_S) * 0.9999
    assert made.binding == (A, binding)
    assert made.share[A] == pytest.approx(requests)


def test_what_is_already_spent_delays_the_next_run() -> None:
    busy = lanes(a=Limits(rpm=60))
    for _ in range(60):
        busy[A].books.charge(1, 1, 100.0)
    soon = forecast([load(30, A)], busy, 100.0).seconds
    assert soon == pytest.approx(30 + SERVICE_S, rel=0.01)
    assert forecast([load(30, A)], busy, 160.0).seconds == pytest.approx(SERVICE_S, rel=0.05)


def test_two_lanes_share_one_load_as_their_limits_allow() -> None:
    both = lanes(a=Limits(rpm=60, rpm_burst=1), b=Limits(rpm=120, rpm_burst=1))
    made = forecast([load(300, A, B)], both, 0.0)
    assert made.seconds == pytest.approx(100, rel=0.02)
    assert made.share[A] == pytest.approx(100, rel=0.03) and made.share[B] == pytest.approx(200, rel=0.03)


def test_a_load_with_one_lane_comes_before_one_that_has_a_choice() -> None:
    both = lanes(a=Limits(rpm=60, rpm_burst=1), b=Limits(rpm=60, rpm_burst=1))
    made = forecast([load(60, A, B), load(60, A, group="asian")], both, 0.0)
    assert made.share == {A: pytest.approx(60, rel=0.03), B: pytest.approx(60, rel=0.03)}
    assert made.seconds == pytest.approx(60, rel=0.04)


def test_nothing_to_do_takes_no_time() -> None:
    assert forecast([], {}, 0.0).seconds == 0.0
    assert forecast([load(0, A)], lanes(a=FREE), 0.0).bound_s == 0.0


amounts = st.sampled_from([None, 1.0, 30.0, 600.0, 8000.0, 250_000.0])
token_amounts = amounts.filter(lambda amount: amount is None or amount >= 8000)
limit_sets = st.builds(Limits, rpm=amounts, tpm=token_amounts, rpd=st.none() | st.just(1000.0))
loads = st.lists(
    st.builds(
        load,
        st.integers(0, 20_000),
        st.sampled_from([A, B]),
        prompt=st.floats(100, 3000),
        completion=st.floats(5, 3000),
    ),
    max_size=4,
)


@given(loads, limit_sets, limit_sets)
def test_no_forecast_is_below_its_bound_and_every_request_has_a_lane(wanted: list[Load], a: Limits, b: Limits) -> None:
    made = forecast(wanted, lanes(a=a, b=b), 0.0)
    assert 0.0 <= made.bound_s <= made.seconds + 1e-9 < float("inf")
    assert sum(made.share.values()) == pytest.approx(sum(x.requests for x in wanted), rel=1e-4, abs=1e-6)


@given(st.integers(1, 5000), limit_sets)
def test_more_limits_or_more_requests_never_take_less_time(requests: int, limits: Limits) -> None:
    def seconds(number: int, limited: Limits) -> float:
        return forecast([load(number, A)], lanes(a=limited), 0.0).seconds

    assert seconds(requests, UNLIMITED) <= seconds(requests, limits) * 1.001
    assert seconds(requests, limits) <= seconds(requests + 100, limits) * 1.001
