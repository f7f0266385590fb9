"""How long it will still take is worked out from what has been seen, and said as a person says it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.results.pace import Pace
from ketl.results.waiting_words import at_once_in_words, closed_in_words, left_in_words, spent_in_words


def steady(texts: int, every_s: float, *, began: float = 0.0) -> Pace:
    pace = Pace()
    pace.begin(began)
    for number in range(1, texts + 1):
        pace.ended(began + number * every_s)
    return pace


def test_nothing_is_said_before_something_has_been_seen() -> None:
    assert Pace().left_s(100, 50.0) is None
    assert steady(7, 1.0).left_s(100, 7.0) is None
    assert steady(50, 0.01).left_s(100, 0.5) is None  # half a second says little of minutes


@given(st.floats(0.05, 30.0), st.integers(10, 200), st.integers(0, 5_000))
def test_a_steady_run_ends_when_it_is_said_to(every_s: float, done: int, left: int) -> None:
    said = steady(done, every_s, began=1e4).left_s(left, 1e4 + done * every_s)
    assert said is None or said == pytest.approx(left * every_s, rel=0.35, abs=1e-6)


def test_a_server_that_slows_down_is_followed() -> None:
    pace = steady(200, 0.1)  # 20 s at ten a second
    for number in range(1, 41):
        pace.ended(20.0 + number)  # then 40 s at one a second
    assert pace.left_s(60, 60.0) == pytest.approx(60.0, rel=0.2)


def test_a_silence_makes_it_longer_and_never_endless() -> None:
    pace = steady(20, 1.0)
    waiting = [pace.left_s(10, 20.0 + more) for more in (0.0, 20.0, 200.0, 2_000.0)]
    assert waiting == sorted(waiting) and waiting[-1] < 1e5


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "a few seconds left"),
        (12.0, "about 10 s left"),
        (54.0, "about 55 s left"),
        (61.0, "about 1 min left"),
        (400.0, "about 7 min left"),
        (3_700.0, "about 1 h left"),
        (9_000.0, "about 2 h 30 min left"),
    ],
)
def test_the_time_left_in_words(seconds: float, said: str) -> None:
    assert left_in_words(seconds) == said


def test_models_that_are_left_alone_for_a_while_in_words() -> None:
    assert closed_in_words(["a"], "failed", 4.0) == "a failed; it is asked again in 4.0 s"
    assert closed_in_words(["a", "b"], "failed", 4.0) == "a and b failed; they are asked again in 4.0 s"
    assert closed_in_words(["a", "b", "c"], "failed", 4.0).startswith("a, b and c failed; they are")


def test_a_spent_limit_in_words() -> None:
    assert spent_in_words("a", "TPD", 3_900) == (
        "the model a has reached its limit of tokens a day; it takes more in 1 h 5 min"
    )
    assert "its limit of XYZ;" in spent_in_words("a", "XYZ", 9.0)


def test_how_many_are_served_at_once_in_words() -> None:
    assert at_once_in_words(1) == "The server works on one request at a time; the others wait their turn."
    assert "on about 4 requests at a time" in at_once_in_words(4)
