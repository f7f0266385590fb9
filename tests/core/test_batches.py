"""Lists of bounded length hold everything once, in order, and nothing is drawn before it is asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ketl._batches import batches


@given(st.lists(st.integers()), st.integers(1, 7))
def test_every_item_comes_once_in_lists_that_are_full_but_for_the_last(items: list[int], size: int) -> None:
    drawn = list(batches(iter(items), size))
    assert [item for batch in drawn for item in batch] == items
    assert all(len(batch) == size for batch in drawn[:-1]) and all(drawn)


def test_no_more_is_drawn_than_one_list_needs() -> None:
    source = iter(range(10))
    assert next(batches(source, 3)) == [0, 1, 2]
    assert next(source) == 3
