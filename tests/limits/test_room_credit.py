"""Room beyond the ordinary: lent against what answers brought, lost in proportion, given together with care."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ketl.provider.room_credit import RoomCredit

FIRST = 32_768
MOST_ROOM = 16_384

ends = st.tuples(st.sampled_from(["ask", "whole", "broke off"]), st.integers(0, MOST_ROOM), st.integers(0, 3_000))


@given(st.lists(ends, max_size=200))
def test_what_is_lost_stays_in_proportion_to_what_is_of_use(steps: list[tuple[str, int, int]]) -> None:
    credit, under_way, lost, useful = RoomCredit(), [], 0, 0
    for end, extra, tokens in steps:
        if end == "ask":
            if credit.lends(extra):
                credit.lend(extra)
                under_way.append(extra)
            continue
        if not under_way:
            continue
        lent = under_way.pop(0)
        credit.over(lent)
        if end == "whole":
            useful += tokens
            credit.brought(tokens)
            credit.whole(lent)
        else:
            lost += lent
            credit.lost(lent)
        assert credit.lent == sum(under_way)
        # Those that were lent room together may be lost together, and no more of them than half of what was left.
        assert lost <= 1.5 * (FIRST + 3 * useful) + MOST_ROOM


def test_a_model_is_given_its_widest_room_once_before_it_has_brought_anything() -> None:
    credit = RoomCredit()
    for extra in (1_024, 4_096, MOST_ROOM):
        assert credit.lends(extra)
        credit.lend(extra)
        credit.over(extra)
        credit.lost(extra)
    assert not credit.lends(MOST_ROOM) and credit.lends(0)


def test_room_is_lent_to_few_at_once_until_it_has_helped() -> None:
    def together(credit: RoomCredit) -> int:
        number = 0
        while credit.lends(1_000):
            credit.lend(1_000)
            number += 1
        for _ in range(number):
            credit.over(1_000)
        return number

    credit = RoomCredit()
    assert together(credit) == 8
    for _ in range(100):
        credit.brought(900)
        credit.whole(1_000)
    assert together(credit) == 108
    credit.lost(1_000)
    assert together(credit) == 54


def test_a_model_that_was_left_alone_begins_anew() -> None:
    credit = RoomCredit()
    credit.lost(FIRST)
    assert not credit.lends(1)
    credit.brought(1_000)
    assert credit.left == 3_000
    credit.renew()
    assert credit.lends(MOST_ROOM)
