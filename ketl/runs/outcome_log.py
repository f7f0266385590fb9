"""Gathers a run's outcomes: at hand while there is room, in the journal always."""

from __future__ import annotations

from collections.abc import Sequence

from ketl.results.outcome import Outcome
from ketl.store.store import Store

# Above this many the outcomes live in the journal alone: about 100 MB at hand.
MOST_AT_HAND = 200_000


class Outcomes:
    """The outcomes of one run by segment id, journalled in batches.

    `flush` writes what is new; it may be called from another thread than `add`.
    """

    def __init__(self, run_id: str, store: Store | None) -> None:
        self._run_id = run_id
        self._store = store
        self._at_hand: dict[tuple[bytes, str], Outcome] = {}
        self._new: list[Outcome] = []
        self._spilled = False
        self.count = 0

    def add(self, outcome: Outcome) -> None:
        """Take one outcome in."""
        self.count += 1
        if not self._spilled:
            self._at_hand[outcome.key, outcome.language_tag] = outcome
        if self._store is not None:
            self._new.append(outcome)

    def get(self, key: tuple[bytes, str]) -> Outcome | None:
        """Return the outcome of a segment if it is at hand."""
        return self._at_hand.get(key)

    @property
    def pending(self) -> int:
        """How many outcomes wait to be journalled."""
        return len(self._new)

    def flush(self) -> None:
        """Write what is new into the journal; past `MOST_AT_HAND`, keep it there alone."""
        if self._store is None:
            return
        new, self._new = self._new, []
        if new:
            self._store.journal.save_outcomes(self._run_id, new)
        if len(self._at_hand) > MOST_AT_HAND:
            self._spilled = True
            self._at_hand = {}

    def find(self, ids: Sequence[tuple[bytes, str]]) -> dict[tuple[bytes, str], Outcome]:
        """Return the outcomes of these segments, from the journal if they are not at hand."""
        if self._spilled and self._store is not None:
            return self._store.journal.find_outcomes(self._run_id, ids)
        return {ident: self._at_hand[ident] for ident in ids if ident in self._at_hand}
