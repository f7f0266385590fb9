"""How many requests a server works on at a time is told from its answers, and never where all are served at once."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketl.provider.window import Window

SECONDS: dict[str, Callable[[random.Random], float]] = {
    "even": lambda chance: 6.0,
    "spread a little": lambda chance: 6.0 * chance.lognormvariate(0.0, 0.2),
    "spread much": lambda chance: 6.0 * chance.lognormvariate(0.0, 0.5),
    "uniform": lambda chance: chance.uniform(0.15, 1.3),
}


def serve(places: int | None, kind: str, *, requests: int = 147, every_s: float = 0.0005, seed: int = 1) -> Window:
    """Send requests as the window allows, one every `every_s` at most, to a server with so many places."""
    window, chance = Window(), random.Random(seed)
    busy: list[tuple[float, int]] = []
    waiting: deque[int] = deque()
    sent: dict[int, float] = {}
    now = next_at = 0.0
    left = requests

    def begin(number: int, at: float) -> None:
        heapq.heappush(busy, (at + SECONDS[kind](chance), number))

    while left or busy:
        open_now = left and (window.size is None or window.in_flight < window.size)
        if open_now and (not busy or next_at <= busy[0][0]):
            now = max(now, next_at)
            next_at, left = now + every_s, left - 1
            number = window.sent()
            sent[number] = now
            if places is None or len(busy) < places:
                begin(number, now)
            else:
                waiting.append(number)
            continue
        now, number = heapq.heappop(busy)
        next_at = max(next_at, now)
        window.answered(number, sent[number], now, 100.0)
        if waiting:
            begin(waiting.popleft(), now)
    return window


@pytest.mark.parametrize("places", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["even", "spread a little"])
def test_the_places_of_a_small_server_are_counted(places: int, kind: str) -> None:
    for seed in range(5):
        window = serve(places, kind, seed=seed)
        assert window.served_at_once == places and not window.parallel
        assert window.size == places + max(1, places // 2)


@pytest.mark.parametrize("kind", ["spread much", "uniform"])
def test_where_another_number_fits_nearly_as_well_none_is_sure(kind: str) -> None:
    for places in (1, 2, 3, 4, 6):
        for seed in range(8):
            window = serve(places, kind, seed=seed)
            assert window.served_at_once == places or not window.sure


@pytest.mark.parametrize("kind", SECONDS)
@pytest.mark.parametrize("every_s", [0.0005, 0.01, 0.02, 0.1, 1.0])
def test_a_server_with_room_for_all_is_never_held_back(kind: str, every_s: float) -> None:
    for seed in range(4):
        window = serve(None, kind, requests=300, every_s=every_s, seed=seed)
        assert window.served_at_once is None and window.size is None


def test_a_handful_of_answers_says_nothing() -> None:
    window = serve(1, "spread a little", requests=4)
    assert window.served_at_once is None and not window.parallel


def test_answers_faster_than_our_own_loop_reads_them_prove_nothing() -> None:
    window, at = Window(), 0.0
    numbers = [window.sent() for _ in range(400)]
    random.Random(1).shuffle(numbers)
    for number in numbers:
        at += 0.0005
        window.answered(number, 0.0, at, 100.0)
    assert window.served_at_once is None and not window.parallel


def test_requests_one_by_one_wait_for_nobody() -> None:
    window = Window()
    for number in range(20):
        window.answered(window.sent(), 10.0 * number, 10.0 * number + 6.0, 100.0)
    assert window.alone and window.served_at_once is None


def test_a_server_that_comes_to_do_all_at_once_is_held_back_no_longer() -> None:
    window = serve(1, "spread a little")
    chance, at = random.Random(3), 10_000.0
    for _ in range(40):
        numbers = [window.sent() for _ in range(window.size or 8)]
        ends = sorted((at + 6.0 * chance.lognormvariate(0.0, 0.1), number) for number in numbers)
        for end, number in ends:
            window.answered(number, at, end, 100.0)
        at = ends[-1][0]
    assert window.served_at_once is None


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 50.0), st.floats(1.0, 500.0)), max_size=60), st.data())
def test_whatever_comes_the_numbers_stay_sound(asked: list[tuple[float, float, float]], data: st.DataObject) -> None:
    window, at = Window(), 0.0
    for gap_s, took_s, size in asked:
        at += gap_s
        number = window.sent()
        if data.draw(st.booleans()):
            window.gone(number)
        else:
            window.answered(number, at - took_s, at, size)
        assert window.in_flight == 0
        assert window.served_at_once is None or 1 <= window.served_at_once <= 16
        assert window.passed_over(0) <= 96
