"""Gathers a run's outcomes: at hand while there is room, in the journal always; who follows the run waits here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, Event, Lock
from time import monotonic
from typing import TypeVar

from ketl.errors import KetlError, RunError
from ketl.memory.memory import Memory, Remembered
from ketl.results.outcome import Outcome
from ketl.results.rows import NOT_STARTED
from ketl.store.store import Store

_T = TypeVar("_T")

# At least half as many of the latest outcomes are at hand, about 100 MB at the most; the others lie in the journal.
MOST_AT_HAND = 200_000
_MOST_AGAIN = 20_000
# A follower that takes longer, such as one whose disk is slow, is not waited for.
_FOLLOWER_S = 0.25
# How long a database that cannot be read is tried again, as one that cannot be written.
READ_PATIENCE_S = 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


class OutcomeLog:
    """The outcomes of one run by segment id, journalled in batches; new translations go into `memory` with them.

    `lease` is the mark under which the run is owned, None for the one that the store's journal holds; `unread` is why
    what lies in the journal cannot be read back, None as long as it can.
    `flush` may be called from another thread than `add` and `remember`, and `find` and `wait_for` from a third.
    """

    def __init__(self, run_id: str, store: Store | None, memory: Memory | None = None) -> None:
        self.count = 0
        self.reason = NOT_STARTED
        self.lease: str | None = None
        self.unread: KetlError | None = None
        self._run_id = run_id
        self._store = store
        self._memory = memory
        # Two generations: when the younger is full it becomes the older, whose outcomes are in the journal by then.
        self._young: dict[tuple[bytes, str], Outcome] = {}
        self._old: dict[tuple[bytes, str], Outcome] = {}
        self._again: dict[tuple[bytes, str], Outcome] = {}
        self._spilled = False
        self._new: deque[Outcome] = deque()
        self._to_remember: deque[Remembered] = deque()
        lock = Lock()
        self._changed = Condition(lock)
        self._rested = Condition(lock)
        self._followed = False
        self._resting = False
        self._closed = False
        self._hopeless = Event()

    def add(self, outcome: Outcome, *, journalled: bool = False) -> None:
        """Take one outcome in; `journalled` says that the journal has it already."""
        self.count += 1
        self._young[outcome.key, outcome.language_tag] = outcome
        if self._store is not None and not journalled:
            self._new.append(outcome)

    def remember(self, entry: Remembered) -> None:
        """Keep a translation in the memory with the next flush."""
        if self._memory is not None:
            self._to_remember.append(entry)

    @property
    def pending(self) -> int:
        """How many outcomes and translations wait to be written."""
        return len(self._new) + len(self._to_remember)

    def flush(self) -> None:
        """Write what is new into journal and memory, and let whoever follows the run come up to it.

        Raises RunError when the database fails. Returning only when the follower rests keeps busy threads from
        getting in one another's way: contending cost a known run about a third more time.
        """
        if self._store is not None:
            with _drained(self._new) as new:
                if new:
                    self._store.journal.save_outcomes(self._run_id, new, self.lease)
            with _drained(self._to_remember) as entries:
                if entries and self._memory is not None:
                    self._memory.remember(entries)
            if len(self._young) > MOST_AT_HAND // 2:
                self._spilled = self._spilled or bool(self._old)
                self._old, self._young = self._young, {}
        with self._changed:
            self._resting = False
            self._changed.notify_all()
            if self._followed:
                self._rested.wait_for(lambda: self._resting or not self._followed, _FOLLOWER_S)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Say that the calling thread follows the run, as long as the context lasts."""
        with self._changed:
            self._followed = True
        try:
            yield
        finally:
            with self._changed:
                self._followed = False
                self._rested.notify_all()

    def close(self, reason: str = NOT_STARTED) -> None:
        """Say that no more outcomes will come, and why a segment without one has none."""
        with self._changed:
            if self.unread is None:
                self.reason = reason
            self._closed = True
            self._changed.notify_all()

    def give_up(self) -> None:
        """Say that a database that fails now is not to be waited for."""
        self._hopeless.set()

    def wait_for(self, ids: Sequence[tuple[bytes, str]]) -> None:
        """Return when each of these segments has an outcome, or when no more will come."""
        while missing := self._without(ids):
            with self._changed:
                if self._closed:
                    return
                if len(self._without(missing)) == len(missing):
                    self._resting = True
                    self._rested.notify_all()
                    self._changed.wait()

    def find_patiently(self, ids: Sequence[tuple[bytes, str]]) -> dict[tuple[bytes, str], Outcome]:
        """Return the outcomes of these segments as `find` does, or those at hand when the database stays away.

        It is tried again for `READ_PATIENCE_S` seconds, after which `unread` says why, and `reason` that of a row.
        """
        until, pause_s = monotonic() + READ_PATIENCE_S, _FIRST_PAUSE_S
        while self.unread is None:
            try:
                return self.find(ids)
            except Exception as error:  # whatever a driver stumbles over, the rows at hand must reach their file
                if monotonic() >= until or self._hopeless.wait(pause_s):
                    said = str(error) if isinstance(error, KetlError) else f"It failed ({type(error).__name__})."
                    self.unread = RunError(
                        f"Translations that lie in the database could not be read back, so their rows are empty. {said}"
                    )
                    self.reason = "How this text ended lies in the database, which could not be read. Resume the run."
                pause_s = min(2.0 * pause_s, _LONGEST_PAUSE_S)
        young, old, recent = self._young, self._old, self._again
        at_hand = ((ident, young.get(ident) or old.get(ident) or recent.get(ident)) for ident in ids)
        return {ident: outcome for ident, outcome in at_hand if outcome is not None}

    def find(self, ids: Sequence[tuple[bytes, str]]) -> dict[tuple[bytes, str], Outcome]:
        """Return the outcomes of these segments, from the journal if they are not at hand.

        Raises RunError when the database fails.
        """
        young, old, recent = self._young, self._old, self._again
        found: dict[tuple[bytes, str], Outcome] = {}
        missing: list[tuple[bytes, str]] = []
        for ident in ids:
            outcome = young.get(ident) or old.get(ident) or recent.get(ident)
            if outcome is not None:
                found[ident] = outcome
            else:
                missing.append(ident)
        if missing and self._spilled and self._store is not None:
            again = self._store.journal.find_outcomes(self._run_id, missing)
            # What recurs, such as a colour, is asked for all the time.
            if len(self._again) > _MOST_AGAIN:
                self._again = {}
            self._again.update(again)
            found |= again
        return found

    def _without(self, ids: Sequence[tuple[bytes, str]]) -> list[tuple[bytes, str]]:
        young, old = self._young, self._old
        missing = [ident for ident in ids if ident not in young and ident not in old]
        if missing and self._spilled:
            found = self.find_patiently(missing)
            missing = [ident for ident in missing if ident not in found]
        return missing


@contextmanager
def _drained(waiting: deque[_T]) -> Iterator[list[_T]]:
    """Yield what waits, taken off; put back when it could not be written."""
    # Taken one by one, so that what another thread adds meanwhile is neither lost nor taken twice.
    taken = [waiting.popleft() for _ in range(len(waiting))]
    try:
        yield taken
    except BaseException:
        waiting.extendleft(reversed(taken))
        raise
