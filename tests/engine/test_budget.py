"""A run's money: exact dollars, reservations that come back, and a cap that the plan and the run both keep."""

from __future__ import annotations

import pytest

from ketl.engine.budget import Budget
from ketl.engine.work import WorkLimits
from ketl.errors import GoalError
from ketl.provider.books import Charge
from ketl.provider.models import Model, model_facts
from ketl.results.events import Answered
from tests.engine.direct import Seen, jackets, work_through
from tests.fakes import WESTERN, FakeProvider, products, selection, translate

PRICED = model_facts(WESTERN)  # 0.59 dollars a million tokens in, 0.79 out


def charge(prompt: float, ceiling: float) -> Charge:
    return Charge(prompt, ceiling, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("tokens", "usd"),
    [
        ((1000, 100, 0), (1000 * 0.59 + 100 * 0.79) / 1e6),
        ((1000, 100, 500), (500 * 0.59 + 500 * 0.295 + 100 * 0.79) / 1e6),
        ((1000, 0, 1000), 1000 * 0.295 / 1e6),
        ((0, 0, 0), 0.0),
    ],
    ids=["nothing cached", "half cached", "all cached", "nothing billed"],
)
def test_an_answer_costs_what_the_price_list_says_cached_tokens_at_half_price(
    tokens: tuple[int, int, int], usd: float
) -> None:
    assert Budget(None).spend(PRICED, tokens) == pytest.approx(usd, rel=1e-12)


def test_a_model_without_a_price_costs_nothing_that_is_known() -> None:
    budget = Budget(0.0)
    unknown: Model = model_facts("someone/new")
    assert budget.spend(unknown, (1000, 100, 0)) is None
    assert budget.affords(unknown, 1e9, 1e9)


def test_what_is_in_flight_counts_against_the_cap_until_it_is_over() -> None:
    budget = Budget(0.001)
    whole = charge(1000, 400)  # 0.000906 dollars at most
    assert budget.affords(PRICED, whole.prompt, whole.ceiling)
    budget.reserve(PRICED, whole)
    assert not budget.affords(PRICED, whole.prompt, whole.ceiling)
    budget.release(PRICED, whole)
    assert budget.affords(PRICED, whole.prompt, whole.ceiling)
    budget.spend(PRICED, (1000, 40, 0))
    assert budget.affords(PRICED, 100, 100) and not budget.affords(PRICED, whole.prompt, whole.ceiling)


def test_a_cap_that_suffices_only_if_reservations_come_back_is_enough() -> None:
    packs = [[item] for item in jackets(40)]
    paid = sum(event.cost_usd for event in work_through(Seen(models=(WESTERN,)), packs).of(Answered))
    # All forty reserve far more than this at once, since a ceiling is larger than an answer.
    happened = work_through(Seen(models=(WESTERN,)), packs, limits=WorkLimits(max_cost_usd=1.2 * paid))
    assert happened.work.stopped is None
    assert len(happened.outcomes) == 40


def test_reservations_hold_a_run_back_before_its_cap_is_crossed() -> None:
    packs = [[item] for item in jackets(40)]
    provider = Seen(models=(WESTERN,))
    each = [event.cost_usd for event in work_through(provider, packs).of(Answered)]
    capped = Seen(models=(WESTERN,))
    happened = work_through(capped, packs, limits=WorkLimits(max_cost_usd=10.5 * max(each)))
    assert capped.most_in_flight < provider.most_in_flight
    assert "cost cap" in str(happened.work.stopped)
    assert sum(event.cost_usd for event in happened.of(Answered)) <= 10.5 * max(each)


def test_a_plan_keeps_the_cap_by_the_upper_end_of_its_estimate() -> None:
    provider = FakeProvider()
    low, high = translate(provider, selection(products(20), "es")).plan.cost_usd
    assert low < high
    between = selection(products(20), "es", max_cost_usd=(low + high) / 2)
    refused = FakeProvider()
    with pytest.raises(GoalError, match="may cost more than"):
        translate(refused, between)
    assert refused.calls == []
    assert translate(FakeProvider(), selection(products(20), "es", max_cost_usd=1.01 * high)).report["translated"] == 60
