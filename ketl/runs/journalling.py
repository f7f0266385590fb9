"""Keeps a run's journal and heartbeat from its first row to its last, whatever the database does meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from ketl.errors import KetlError, RunError, TakenOverError
from ketl.logs import get_logger
from ketl.planning.plan import RunPlan
from ketl.runs.job import job_to_json, with_absolute_paths
from ketl.runs.outcome_log import OutcomeLog
from ketl.runs.selection import Selection
from ketl.store.journal import Journal

logger = get_logger(__name__)

# What a kill may lose: what came in the last 30 ms, or a few answers of the last 100, since each commit takes about a
# millisecond.
FLUSH_EVERY_S = 0.03
_FLUSH_FEW_S = 0.1
_FEW = 8
BEAT_EVERY_S = 5.0  # a sixth of the lease
PATIENCE_S = 60.0
_SLOW_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


GIVEN = "products_given"
"""Says in a run's first row that its products came from a program and not from a file."""


def write_first_row(journal: Journal, run_id: str, engine: str, chosen: Selection, plan: RunPlan) -> str:
    """Write that a run begins, with all that it takes to resume it, and return the lease under which it is owned."""
    counts = {
        "products": plan.products,
        "languages": len(plan.languages),
        "units": plan.units,
        "segments": plan.segments,
        "requests": plan.requests,
    }
    sha256 = chosen.catalog.sha256
    spec = {**job_to_json(with_absolute_paths(chosen.job)), GIVEN: sha256 is None}
    return journal.start_run(
        run_id, engine=engine, mode=chosen.job.mode.value, spec=spec, counts=counts, catalog_sha256=sha256
    )


class JournalKeeper:
    """One task beside a run: it beats while the run lives, and writes what is new.

    A write that is refused stays at hand and is tried again, after 0.1 s and then twice as long each time, up to
    2 s. While writes are refused, or one takes longer than 2 s, `pause` holds sending back, so that no more than
    what was in flight is paid for unsaved.
    When nothing could be written for `patience_s` seconds, or the run belongs to another process, `lost` says so and
    `stop` ends the run; nothing is written any more. `write` writes what is new, `beat` the sign of life; `held` is
    told the reason when writing is refused first, and an empty one when it works again.
    """

    def __init__(
        self,
        log: OutcomeLog,
        *,
        write: Callable[[], Awaitable[None]],
        beat: Callable[[], Awaitable[None]],
        pause: Callable[[bool], None],
        stop: Callable[[KetlError], None],
        held: Callable[[str], None] = lambda reason: None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.lost: KetlError | None = None
        self._log = log
        self._write = write
        self._beat = beat
        self._pause = pause
        self._stop = stop
        self._held = held
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._refused_since: float | None = None
        self._pause_s = FLUSH_EVERY_S
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()
        self._tasks = [self._loop.create_task(self._keep_writing()), self._loop.create_task(self._keep_beating())]

    async def settle(self) -> None:
        """Return when all that is at hand is written, or when it is lost."""
        while self.lost is None:
            await self._flush()
            if self._refused_since is None and not self._log.pending:
                return
            await asyncio.sleep(self._pause_s)

    async def close(self) -> None:
        """End the task; to be called when the last row is written."""
        self._ended.set()
        await asyncio.gather(*self._tasks)

    def hurry(self) -> None:
        """Wait no longer for a database that refuses what is to be written."""
        if self._refused_since is not None:
            self._lose(
                RunError("The database could not be written when the run was ended; what was done is in the result.")
            )

    async def last(self, write: Callable[[], Awaitable[None]]) -> None:
        """Make one of the writes that end a run, trying it again as long as any other; nothing once all is lost."""
        while self.lost is None:
            if await self._tried(write):
                return
            await asyncio.sleep(self._pause_s)

    async def _keep_writing(self) -> None:
        written_at = self._loop.time()
        while not self._ended.is_set() and self.lost is None:
            await self._wait(self._pause_s)
            waiting = self._log.pending
            if waiting >= _FEW or (waiting and self._loop.time() - written_at >= _FLUSH_FEW_S):
                await self._flush()
                written_at = self._loop.time()

    async def _keep_beating(self) -> None:
        while not self._ended.is_set() and self.lost is None:
            await self._wait(BEAT_EVERY_S)
            if not self._ended.is_set() and self._refused_since is None:
                await self._tried(self._beat)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    async def _flush(self) -> None:
        async with self._turn:
            if self.lost is None:
                await self._tried(self._write)

    async def _tried(self, write: Callable[[], Awaitable[None]]) -> bool:
        """Tell whether a write came through."""
        # A write that hangs, as behind another process's lock, holds sending back before it is refused.
        slow = self._loop.call_later(_SLOW_S, self._pause, True)
        try:
            await write()
        except TakenOverError as error:
            self._lose(error)
            return False
        except Exception as error:  # whatever a driver stumbles over, the rows at hand must reach their file
            self._refuse(error)
            return False
        finally:
            slow.cancel()
        if self._refused_since is not None:
            self._held("")
        self._refused_since, self._pause_s = None, FLUSH_EVERY_S
        self._pause(False)
        return True

    def _refuse(self, error: Exception) -> None:
        now = self._loop.time()
        if self._refused_since is None:
            logger.warning("The journal could not be written, so sending waits: %s", error)
            self._refused_since, self._pause_s = now, _FIRST_PAUSE_S
            self._pause(True)
            self._held(_in_words(error))
        else:
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        if now - self._refused_since >= self._patience_s:
            self._lose(
                RunError(
                    f"The journal could not be written for {self._patience_s:,.0f} seconds, so the run stopped; what "
                    f"was done is in the result. {_in_words(error)}"
                )
            )

    def _lose(self, error: KetlError) -> None:
        if self.lost is None:
            self.lost = error
            self._log.give_up()
            self._stop(error)
            self._pause(False)


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, KetlError) else f"The database failed ({type(error).__name__})."
