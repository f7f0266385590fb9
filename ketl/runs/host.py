"""Owns the thread and event loop that runs live in; hands out each run's state as plain values to read."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ketl.catalog.catalog import Catalog
from ketl.errors import KetlError
from ketl.planning.plan import RunPlan
from ketl.provider.tiers import load_tier
from ketl.results.events import Answered, Ended, Event, PhaseBegan
from ketl.results.outcome import Outcome
from ketl.results.tally import TIMELINE_MOST, Tally
from ketl.runs.connection import Session, open_session
from ketl.runs.job import Job
from ketl.runs.run import Run, RunResult
from ketl.runs.selection import Selection, select
from ketl.settings import Settings
from ketl.store import Store

_T = TypeVar("_T")
KEEP = 20
_CLOSE_S = 3.0


@dataclass(slots=True)
class LiveRun:
    """One run as a page sees it; read it from any thread, change nothing.

    `state` is starting, running, finished, cancelled or failed; `recent` the newest outcomes, newest last;
    `ended` how many segments have ended of `total`; `baseline` the attempts of a comparison's second part, of
    `baseline_requests` planned; `result` is there once the state is finished or cancelled.
    """

    run_id: str
    job: Job
    selection: Selection
    engine: str
    created_at: float
    state: str = "starting"
    error: str = ""
    total: int = 0
    ended: int = 0
    phase: str = ""
    baseline_requests: int = 0
    baseline: list[Answered] = field(default_factory=list)
    plan: RunPlan | None = None
    tally: Tally = field(default_factory=Tally)
    recent: list[Outcome] = field(default_factory=list)
    result: RunResult | None = None
    began_at: float | None = None
    _run: Run | None = None

    @property
    def live(self) -> bool:
        """Whether it still works."""
        return self.state in ("starting", "running")

    def seconds(self) -> float:
        """Return the seconds since its first request, or how long it took."""
        if self.result is not None:
            return float(self.result.report["makespan_s"])
        return time.monotonic() - self.began_at if self.began_at is not None else 0.0


class Runs:
    """All runs of one process: one daemon thread with one event loop, where sessions and clients live.

    Runs survive whatever a page does; pages read them by id. The newest `KEEP` finished ones are kept at hand.
    """

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self.store = store or Store(settings.database_url)
        self._loop = asyncio.new_event_loop()
        self._sessions: dict[str, Session] = {}
        self._opening = asyncio.Lock()
        self._runs: dict[str, LiveRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False
        threading.Thread(target=self._loop.run_forever, name="ketl-runs", daemon=True).start()
        atexit.register(self.close)

    def start(self, job: Job, catalog: Catalog | None = None, *, resume: str | None = None) -> LiveRun:
        """Start a run and return it at once. Raises the UsageError that says what is wrong with the job.

        `resume` is the id of an interrupted run: what it finished is kept, the rest is sent.
        """
        selection = select(job, catalog)
        run_id = resume or secrets.token_hex(12)
        live = LiveRun(run_id, job, selection, self.settings.engine, time.time())
        live.total = selection.census.distinct * len(selection.languages)
        done: dict[tuple[bytes, str], Outcome] = {}
        if resume is not None:
            self.store.resume_run(resume)
            done = {(o.key, o.language_tag): o for o in self.store.outcomes(resume) if o.status == "translated"}
            live.ended = len(done)
        self._runs[run_id] = live
        self._forget_oldest()
        self._loop.call_soon_threadsafe(self._spawn, live, done)
        return live

    def get(self, run_id: str | None) -> LiveRun | None:
        """Return a run of this process by its id, None when there is none."""
        return self._runs.get(run_id) if run_id else None

    def latest(self) -> LiveRun | None:
        """Return the run that began last, None before the first."""
        return next(reversed(self._runs.values()), None)

    def recent(self) -> list[LiveRun]:
        """Return the runs of this process that are at hand, newest first."""
        return list(self._runs.values())[::-1]

    def cancel(self, run_id: str) -> None:
        """End a run early; what is done is kept. A run that has ended stays as it is."""
        live = self._runs.get(run_id)
        if live is not None:
            self._loop.call_soon_threadsafe(self._cancel, live)

    def ask(
        self, make: Callable[[Session], Coroutine[Any, Any, _T]], plan: str = "auto", timeout_s: float = 30.0
    ) -> _T:
        """Run a coroutine on the runs' loop with an open session, and return its result.

        Raises what the coroutine or the connecting raises.
        """

        async def call() -> _T:
            return await make(await self._session(plan))

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(timeout_s)

    def plan(self, selection: Selection) -> RunPlan:
        """Return the plan of a selection, with what the lanes have learned; asks the provider which models live."""

        async def make(session: Session) -> RunPlan:
            run = Run(selection, session, self.store)
            await run.look_into_memory()
            return run.plan()

        return self.ask(make, selection.job.plan)

    def close(self) -> None:
        """Cancel everything, wait a moment for it, and stop the thread."""
        if self._closed:
            return
        self._closed = True

        async def wind_down() -> None:
            for live in self._runs.values():
                self._cancel(live)
            tasks = list(self._tasks.values())
            if tasks:
                await asyncio.wait(tasks, timeout=_CLOSE_S / 2)
            for session in self._sessions.values():
                await session.close()

        with contextlib.suppress(concurrent.futures.TimeoutError, RuntimeError):
            asyncio.run_coroutine_threadsafe(wind_down(), self._loop).result(_CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)

    # -- on the loop's thread ----------------------------------------------------------------------------------

    def _spawn(self, live: LiveRun, done: dict[tuple[bytes, str], Outcome]) -> None:
        self._tasks[live.run_id] = task = self._loop.create_task(self._work(live, done))
        task.add_done_callback(lambda _: self._tasks.pop(live.run_id, None))

    async def _work(self, live: LiveRun, done: dict[tuple[bytes, str], Outcome]) -> None:
        try:
            session = await self._session(live.job.plan)
            run = Run(live.selection, session, self.store, self._watch(live), done_before=done, tally=live.tally)
            run.run_id = live.run_id
            live._run = run
            if live.state == "cancelled":
                run.cancel()
            await run.look_into_memory()
            live.plan = run.plan()
            live.began_at = time.monotonic()
            live.state = "running"
            live.result = await run.execute()
            live.state = live.result.status
        except KetlError as error:
            live.error, live.state = str(error), "failed"
        except asyncio.CancelledError:
            live.error, live.state = "The program was closed before the run had ended.", "failed"
            raise
        except RuntimeError:
            if not self._closed:
                raise
            # The program ends while the run does: its journal says how far it came, and it can be resumed.
            live.error, live.state = "The program was closed before the run had ended.", "failed"
        except Exception as error:  # a fault of ours must end as a message, not as a page that waits for ever
            live.error = f"The run stopped on an internal error ({type(error).__name__}). What was done is kept."
            live.state = "failed"
            raise

    def _watch(self, live: LiveRun) -> Callable[[Event], None]:
        def take(event: Event) -> None:
            if type(event) is PhaseBegan:
                live.phase = event.phase
                live.baseline_requests = event.requests if event.phase == "baseline" else 0
            elif live.phase == "baseline":
                if type(event) is Answered and len(live.baseline) < TIMELINE_MOST:
                    live.baseline.append(event)
            elif type(event) is Ended:
                live.ended += 1
                live.recent.append(event.outcome)
                if len(live.recent) > 400:
                    del live.recent[:200]

        return take

    def _cancel(self, live: LiveRun) -> None:
        if live._run is not None:
            live._run.cancel()
        elif live.state == "starting":
            live.state = "cancelled"

    async def _session(self, plan: str) -> Session:
        async with self._opening:
            session = self._sessions.get(plan)
            if session is None:
                session = await open_session(self.settings, load_tier(plan), self.store)
                self._sessions[plan] = session
            return session

    def _forget_oldest(self) -> None:
        ended = [run_id for run_id, live in self._runs.items() if not live.live]
        for run_id in ended[: max(0, len(self._runs) - KEEP)]:
            del self._runs[run_id]
