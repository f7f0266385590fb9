"""Draws any number of things in lists of a bounded length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield `items` in lists of `size`, the last one as long as what is left; nothing is drawn ahead."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
