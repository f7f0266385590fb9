"""Figures in words: counts, lengths of time, amounts of money."""

from __future__ import annotations

import pytest

from ketl._figures import counted, dollars, duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0 s"), (0.043, "0.043 s"), (0.71, "0.7 s"), (13.66, "13.7 s"), (42.2, "42 s"), (59.7, "1 min"),
     (125, "2 min 5 s"), (3599.7, "1 h"), (4801, "1 h 20 min"), (7215, "2 h")],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("amount_usd", "said"),
    [(0.0, "$0"), (0.00002, "under $0.0001"), (0.0023, "$0.0023"), (0.0149, "$0.015"), (0.5, "$0.50"),
     (1234.5, "$1,234.50")],
)  # fmt: skip
def test_small_amounts_keep_the_digits_that_tell_them_apart(amount_usd: float, said: str) -> None:
    assert dollars(amount_usd) == said


def test_a_count_agrees_with_its_noun() -> None:
    assert [counted(number, "text") for number in (0, 1, 1204)] == ["0 texts", "1 text", "1,204 texts"]
