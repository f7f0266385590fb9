"""Segments that one run is translating while others wait for its answer."""

from __future__ import annotations

import asyncio

from ketl.results.outcome import Outcome


class Claim:
    """One segment that a run is translating, and who else waits for it."""

    __slots__ = ("waiters",)

    def __init__(self) -> None:
        self.waiters: list[asyncio.Future[Outcome | None]] = []

    def resolve(self, outcome: Outcome | None) -> None:
        """Hand the outcome to all who wait; None: the run ended without one."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(outcome)
