"""One run's claims in the database: takes, renews and drops them, and waits for what other processes have claimed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from ketl.errors import RunError
from ketl.logs import get_logger
from ketl.memory.memory import Memory
from ketl.results.outcome import Outcome
from ketl.store.claims import LEASE_S, ClaimKey, KeptClaims

logger = get_logger(__name__)

_T = TypeVar("_T")

_RENEW_EVERY_S = LEASE_S / 3
# Between two looks for others' answers; most of them come within seconds.
_SHORTEST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_LONGER = 1.5
# Pauses are so many times as long as a look: many thousands that wait must not keep a thread busy.
_LOOKS_SHARE = 4.0
# A database that takes longer is gone without: paying twice is better than standing still.
_PATIENCE_S = 2.0
_FAILED_LOOKS = 3


class Found(NamedTuple):
    """What came of claiming: segments that are this run's now, and how those ended that the memory has by now."""

    ours: set[ClaimKey]
    known: dict[tuple[bytes, str], Outcome]


class SharedClaims:
    """The claims of one run, for the event loop it is made on; `close` lets all of them go.

    A database that refuses costs no text: what it did not answer is taken to be this run's.
    """

    def __init__(self, claims: KeptClaims, memory: Memory, run_id: str) -> None:
        self._claims = claims
        self._memory = memory
        self._run_id = run_id
        self._arrived: Callable[[Found], None] = lambda found: None
        self._held: set[ClaimKey] = set()
        self._done: list[ClaimKey] = []
        self._waiting: dict[ClaimKey, None] = {}
        self._wake = asyncio.Event()
        self._one_by_one = asyncio.Lock()
        self._under_way: asyncio.Future[Any] | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def take(self, keys: Sequence[ClaimKey]) -> Found:
        """Claim segments. Those that are neither this run's now nor known are claimed elsewhere."""
        self._begin()
        found = await self._try(self._take, keys)
        if found is None:
            return Found(set(keys), {})
        self._held |= found.ours
        return found

    def wait(self, keys: Iterable[ClaimKey], arrived: Callable[[Found], None]) -> None:
        """Wait for segments that were claimed elsewhere: `arrived` gets what becomes of each, some at a time.

        One that its owner gave up, or died over, becomes this run's or that of another who waits. There is one
        `arrived` a run.
        """
        self._begin()
        self._arrived = arrived
        self._waiting.update(dict.fromkeys(keys))
        self._wake.set()

    def let_go(self, keys: Iterable[ClaimKey]) -> None:
        """Drop claims in a moment: the memory has these translations, or will never have them."""
        done = self._held.intersection(keys)
        if done:
            self._held -= done
            self._done += done
            self._wake.set()

    def stop_waiting(self) -> None:
        """Wait for nothing more."""
        self._waiting.clear()

    async def close(self) -> None:
        """Let everything go. Claims that a refusing database keeps expire by themselves."""
        self.stop_waiting()
        if self._keeping is None:
            return
        self._keeping.cancel()
        await asyncio.wait({self._keeping})
        self._keeping = None
        if self._under_way is not None:
            await asyncio.wait({self._under_way}, timeout=_PATIENCE_S)
        await self._try(self._drop_all)

    def _begin(self) -> None:
        if self._keeping is None:
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        """Renew, drop and look until the run ends."""
        loop = asyncio.get_running_loop()
        renewed, pause_s, failed = loop.time(), _SHORTEST_PAUSE_S, 0
        while True:
            until_s = pause_s if self._waiting or self._done else renewed + _RENEW_EVERY_S - loop.time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until_s):
                    await self._wake.wait()
            if self._wake.is_set():
                self._wake.clear()
                pause_s = _SHORTEST_PAUSE_S
            if loop.time() - renewed >= _RENEW_EVERY_S:
                renewed = loop.time()
                if self._held:
                    await self._try(self._renew)
            if self._done:
                done, self._done = self._done, []
                if await self._try(self._drop, done) is None:
                    self._done += done
                    pause_s = _LONGEST_PAUSE_S
            if self._waiting:
                began = loop.time()
                found = await self._try(self._look, list(self._waiting))
                failed = failed + 1 if found is None else 0
                if failed == _FAILED_LOOKS:
                    failed, found = 0, Found(set(self._waiting), {})
                elif found is not None:
                    self._held |= found.ours
                arrived = found is not None and self._hand_over(found)
                pause_s = _SHORTEST_PAUSE_S if arrived else min(pause_s * _LONGER, _LONGEST_PAUSE_S)
                pause_s = max(pause_s, _LOOKS_SHARE * (loop.time() - began))

    def _hand_over(self, found: Found) -> bool:
        ended = [key for key in self._waiting if key in found.ours or key[:2] in found.known]
        for key in ended:
            del self._waiting[key]
        if ended:
            self._arrived(found)
        return bool(ended)

    async def _try(self, work: Callable[..., _T], *given: object) -> _T | None:
        """Return what the database says, None when it refuses or takes too long."""
        async with self._one_by_one:
            if self._under_way is not None and not self._under_way.done():
                return None
            future = asyncio.ensure_future(asyncio.to_thread(work, *given))
            self._under_way = future
            await asyncio.wait({future}, timeout=_PATIENCE_S)
            if not future.done():
                future.add_done_callback(_look_at_error)
                logger.warning("The database is slow: run %s goes on without claiming its texts", self._run_id)
                return None
            try:
                return future.result()
            except RunError as error:
                logger.warning("Run %s goes on without claiming its texts: %s", self._run_id, error)
            except Exception:  # a fault of ours must not leave anyone waiting for ever
                logger.exception("Run %s goes on without claiming its texts", self._run_id)
            return None

    # -- in a thread -----------------------------------------------------------------------------------------

    def _take(self, keys: Sequence[ClaimKey]) -> Found:
        ours = self._claims.take(self._memory.engine, self._run_id, keys)
        # Since our look into the memory another run may have written its answer and let go, or a person decided.
        known = self._memory.recall({key[:2]: key[2] for key in ours}) if ours else {}
        if known:
            late = {key for key in ours if key[:2] in known}
            self._claims.drop(self._memory.engine, self._run_id, late)
            ours -= late
        return Found(ours, known)

    def _look(self, waiting: Sequence[ClaimKey]) -> Found:
        held = self._claims.held(self._memory.engine, waiting)
        free = {key[:2]: key for key in waiting if key not in held}
        known = self._memory.recall({ident: key[2] for ident, key in free.items()}) if free else {}
        rest = [key for ident, key in free.items() if ident not in known]
        if not rest:
            return Found(set(), known)
        ours, late = self._take(rest)
        return Found(ours, known | late)

    def _drop(self, keys: Sequence[ClaimKey]) -> bool:
        self._claims.drop(self._memory.engine, self._run_id, keys)
        return True

    def _drop_all(self) -> None:
        self._claims.drop_all(self._run_id)

    def _renew(self) -> None:
        self._claims.renew(self._run_id)


def _look_at_error(future: asyncio.Future[Any]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        logger.warning("The database refused at last: %s", error)
