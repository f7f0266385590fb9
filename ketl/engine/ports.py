"""What the parts of the engine ask of one another, so that none of them has to know the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ketl.engine.request import Moved
from ketl.prompts.prepared import Prepared
from ketl.provider.lane import Lane


class Sender(Protocol):
    """What a run's work asks of whoever sends its requests."""

    def now(self) -> float:
        """Return the loop's time in seconds."""

    def wake(self) -> None:
        """Look for work to send at the next turn of the loop."""

    def later(self, wait_s: float, action: Callable[[], None]) -> object:
        """Call `action` after `wait_s` seconds."""

    def cancel(self, work: object) -> None:
        """Cancel every attempt in flight of this run's work."""


class Asking(Protocol):
    """How the ends of answers ask for more: `Work.put`."""

    def __call__(
        self,
        items: Sequence[Prepared],
        *,
        rung: int = 0,
        faults: Mapping[bytes, tuple[str, ...]] | None = None,
        tries: int = 0,
        ceiling_factor: float = 1.0,
        lane: Lane | None = None,
        moved: Moved | None = None,
    ) -> None:
        """Queue a new request of these items."""
