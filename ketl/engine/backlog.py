"""What of one run is still open, and the two waits for it: for room in the queue, and for the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sized

from ketl.errors import KetlError

_QUEUE_HIGH = 1_200
_QUEUE_LOW = 600


class Backlog:
    """Counts a run's requests (and segments held for other runs) that have not ended, and its attempts in flight.

    `stopped` is the reason for which the run sends no more, None while it goes on.
    """

    def __init__(self, queues: Sized) -> None:
        self.open = 0
        self.in_flight = 0
        self.stopped: KetlError | None = None
        self._queues = queues
        self._fed = False
        self._changed = asyncio.Event()

    async def room(self) -> None:
        """Return when the queue has room for more; a catalogue of any size passes through this window."""
        if len(self._queues) >= _QUEUE_HIGH:
            while len(self._queues) > _QUEUE_LOW and self.stopped is None:
                self._changed.clear()
                await self._changed.wait()

    async def drained(self) -> None:
        """Return when all was fed and every request has ended."""
        while not (self._fed and self.open == 0) and not (self.stopped is not None and self.in_flight == 0):
            self._changed.clear()
            await self._changed.wait()

    def look(self) -> None:
        """Have those who wait look again, if this may be what they wait for."""
        if self.open == 0 or self.stopped is not None or len(self._queues) <= _QUEUE_LOW:
            self._changed.set()

    def fed(self) -> None:
        """Take in that nothing more will be fed."""
        self._fed = True
        self._changed.set()

    def begin(self) -> None:
        """Count one more as open."""
        self.open += 1

    def end(self) -> None:
        """Count one of those open as ended."""
        self.open -= 1
        self.look()

    def stop(self, reason: KetlError) -> None:
        """Take in that the run sends no more."""
        self.stopped = reason
        self._changed.set()
