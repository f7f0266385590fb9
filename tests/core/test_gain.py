"""What each idea bought multiplies to the whole, and each step counts only what is its own."""

from __future__ import annotations

import math

import pytest

from ketl.results.gain import explain_gain, take_apart

FACTS = {
    "known_share": 0.5, "packed_s": 10.0, "baseline_s": 20.0, "makespan_s": 2.0, "packs_of_one": False,
}  # fmt: skip


def test_the_factors_multiply_to_the_textbook_loop_over_the_run() -> None:
    steps = explain_gain(80.0, 60.0, **FACTS)
    # Predicted 10 s of requests took 20 s, so every predicted time is doubled.
    assert math.prod(step.factor for step in steps.values()) == pytest.approx(160.0 / 2.0)
    assert steps["duplicates"].factor == pytest.approx(80 / 60)
    assert steps["packing"].factor == pytest.approx(60 / 20)
    assert steps["parallelism"].factor == pytest.approx(20 / 2)


def test_half_from_memory_is_a_factor_of_two() -> None:
    assert explain_gain(80.0, 60.0, **FACTS)["memory"].factor == pytest.approx(2.0)
    assert explain_gain(80.0, 60.0, **{**FACTS, "known_share": 0.0})["memory"].factor == 1.0


def test_where_nothing_was_packed_packing_bought_nothing() -> None:
    steps = explain_gain(80.0, 60.0, **{**FACTS, "packs_of_one": True})
    assert steps["packing"].factor == pytest.approx(1.0)
    assert steps["memory"].factor == pytest.approx(2.0)


def test_a_run_in_which_everything_was_known_claims_no_packing() -> None:
    steps = explain_gain(80.0, 60.0, known_share=1.0, packed_s=0.0, baseline_s=0.0, makespan_s=0.5, packs_of_one=False)
    assert steps["memory"].seconds == pytest.approx(60.0) and steps["packing"].seconds == 0.0
    assert take_apart(4, 4, 2, 2, 1)["parallelism"].factor == 2
