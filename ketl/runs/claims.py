"""Segments that a run is translating: other runs of the same connection wait for its answer instead of paying twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ketl.results.outcome import Outcome
from ketl.store.claims import ClaimKey


class Claims:
    """Who translates what at this moment; used on one event loop.

    An answer stands here until the memory has it, so that there is no moment in which nobody knows it.
    """

    def __init__(self) -> None:
        self._waiting: dict[ClaimKey, list[Callable[[Outcome | None], None]]] = {}
        self._answers: dict[ClaimKey, Outcome] = {}

    def answer(self, key: ClaimKey) -> Outcome | None:
        """Return a translation that is not yet in the memory, None when there is none."""
        return self._answers.get(key)

    def keep(self, key: ClaimKey, outcome: Outcome) -> None:
        """Keep a translation here until `forget` says that the memory has it."""
        self._answers[key] = outcome

    def forget(self, keys: Iterable[ClaimKey]) -> None:
        """Let go of translations that the memory has now."""
        for key in keys:
            self._answers.pop(key, None)

    def take(self, key: ClaimKey) -> bool:
        """Claim a segment; False when another run has it."""
        if key in self._waiting:
            return False
        self._waiting[key] = []
        return True

    def wait(self, key: ClaimKey, arrived: Callable[[Outcome | None], None]) -> None:
        """Call `arrived` with the outcome of a segment that another run has; with None if that run gave it up."""
        self._waiting[key].append(arrived)

    def resolve(self, key: ClaimKey, outcome: Outcome | None) -> None:
        """Hand a claimed segment's outcome to all who wait, in the order in which they came; None: given up.

        They are called from the loop a moment later: the first of them may claim the segment anew.
        """
        waiting = self._waiting.pop(key, [])
        if waiting:
            loop = asyncio.get_running_loop()
            for arrived in waiting:
                loop.call_soon(arrived, outcome)
