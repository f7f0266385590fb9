"""What earlier runs say of the models is shown as rates, and becomes a hint only when there is enough of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ketl.memory.route_records import ENOUGH_ANSWERS, records, suggestions
from ketl.provider.models import CHAINS
from ketl.results.route_stats import RouteStats

FIRST, SECOND = CHAINS["western"][:2]
USUAL = RouteStats(
    engine="groq", language_tag="es", kind="title", model=FIRST, answers=100, passed=80, repaired=15, failed=5,
    seconds_sum=50.0, tokens=9_000, cost_usd=0.2,
)  # fmt: skip


def test_sums_become_rates_and_means_most_answers_first() -> None:
    few = replace(USUAL, model=SECOND, answers=10, passed=9, repaired=0, seconds_sum=1.0, cost_usd=0.001)
    none = replace(USUAL, kind="prose", answers=0, passed=0, repaired=0, seconds_sum=0.0, cost_usd=0.0)
    first, second, third = records([few, none, USUAL])
    assert (first.language, first.model, first.answers) == ("Spanish", FIRST, 100)
    assert (first.pass_rate, first.repair_share, first.seconds, first.cost_usd) == (0.8, 0.15, 0.5, 0.002)
    assert (second.pass_rate, second.cost_usd) == (0.9, 0.0001)
    assert (third.pass_rate, third.repair_share, third.seconds, third.cost_usd) == (None, None, None, None)


@pytest.mark.parametrize(
    ("passed", "cost_usd", "hint"),
    [
        (86, 0.2, True),
        (84, 0.2, False),
        (80, 0.1, True),
        (80, 0.19, False),
        (79, 0.01, False),
    ],
    ids=["passes more", "hardly more", "as good and cheaper", "as good and hardly cheaper", "cheaper but worse"],
)
def test_another_model_is_named_when_it_was_better_or_as_good_and_cheaper(
    passed: int, cost_usd: float, hint: bool
) -> None:
    other = replace(USUAL, model=SECOND, passed=passed, cost_usd=cost_usd)
    said = suggestions([USUAL, other])
    assert [sentence.startswith(f"Spanish: {SECOND} passed the checks in {passed}% of 100") for sentence in said] == [
        True
    ] * hint


def test_answers_are_summed_over_kinds_and_too_few_say_nothing() -> None:
    half = replace(USUAL, answers=ENOUGH_ANSWERS // 2, passed=10)
    better = replace(USUAL, model=SECOND, answers=ENOUGH_ANSWERS, passed=ENOUGH_ANSWERS)
    assert suggestions([half, better]) == []
    assert len(suggestions([half, replace(half, kind="prose"), better])) == 1
    assert suggestions([USUAL, replace(better, answers=ENOUGH_ANSWERS - 1)]) == []


def test_a_language_or_a_model_that_is_no_longer_known_is_no_fault() -> None:
    stranger = replace(USUAL, language_tag="tlh", model="retired-model")
    assert records([stranger])[0].language == "tlh"
    assert suggestions([stranger, USUAL]) == []
