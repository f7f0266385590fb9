"""Owns the thread and event loop that runs live in; hands out each run's state as plain values to read."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ketl.catalog.catalog import Catalog
from ketl.errors import KetlError
from ketl.logs import get_logger, report, where_to_look
from ketl.planning.plan import RunPlan
from ketl.provider.tiers import load_tier
from ketl.results.events import Admitted, Answered, Ended, Event, PhaseBegan, Planned
from ketl.results.outcome import Outcome
from ketl.results.pace import Pace
from ketl.results.tally import TIMELINE_MOST, Tally
from ketl.runs.connection import Connection, open_connection
from ketl.runs.drive import EarlierPart, drive, take_over
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run, new_run_id
from ketl.runs.selection import Selection, select
from ketl.settings import Settings
from ketl.store.records import RunStatus
from ketl.store.store import Store

logger = get_logger(__name__)

_T = TypeVar("_T")
KEEP = 20
_CLOSE_S = 3.0


@dataclass(slots=True)
class RunView:
    """One run as a page sees it; read it from any thread, change nothing.

    `status` is queued until the plan stands; `recent` the newest outcomes, newest last; `ended` how many segments
    have ended of `total`; `baseline` the attempts of a comparison's second part, of `baseline_requests` planned;
    `result` is there once the run is finished or cancelled, `error` says why it failed.
    """

    run_id: str
    job: Job
    selection: Selection
    engine: str
    created_at: float
    status: RunStatus = RunStatus.QUEUED
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
    pressed_at: float = field(default_factory=time.monotonic)
    pace: Pace = field(default_factory=Pace)

    @property
    def live(self) -> bool:
        """Whether it still works."""
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    def left_s(self) -> float | None:
        """Return the seconds that it will still take at the present rate, None while that is unknown."""
        return self.pace.left_s(max(0, self.total - self.ended), time.monotonic()) if self.live else None

    def seconds(self) -> float:
        """Return the seconds since its plan stood, or how long it took."""
        if self.result is not None:
            return float(self.result.report["makespan_s"])
        return time.monotonic() - self.began_at if self.began_at is not None else 0.0


class RunHost:
    """All runs of one process: one daemon thread with one event loop, where connections and clients live.

    Runs survive whatever a page does; pages read them by id. The newest `KEEP` finished ones are kept at hand.
    """

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self.store = store or Store(settings.database_url)
        self._loop = asyncio.new_event_loop()
        self._connections: dict[str, Connection] = {}
        self._opening = asyncio.Lock()
        self._views: dict[str, RunView] = {}
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False
        threading.Thread(target=self._loop.run_forever, name="ketl-runs", daemon=True).start()
        atexit.register(self.close)

    def start(self, job: Job, catalog: Catalog | None = None, *, resume: str | None = None) -> RunView:
        """Start a run and return it at once. Raises the UsageError that says what is wrong with the job.

        `resume` is the id of an interrupted run: what it finished is kept, the rest is sent.
        """
        earlier = take_over(self.store, resume) if resume is not None else None
        if catalog is None and earlier is not None:
            earlier.check_catalog()
        selection = select(job, catalog, self.store)
        view = RunView(resume or new_run_id(), job, selection, self.settings.engine, time.time())
        view.total = selection.census.distinct * len(selection.languages)
        view.ended = len(earlier.within(selection).done) if earlier is not None else 0
        self._views[view.run_id] = view
        self._forget_oldest()
        self._loop.call_soon_threadsafe(self._spawn, view, earlier)
        return view

    def get(self, run_id: str | None) -> RunView | None:
        """Return a run of this process by its id, None when there is none."""
        return self._views.get(run_id) if run_id else None

    def latest(self) -> RunView | None:
        """Return the run that began last, None before the first."""
        return next(reversed(self._views.values()), None)

    def recent(self) -> list[RunView]:
        """Return the runs of this process that are at hand, newest first."""
        return list(self._views.values())[::-1]

    def cancel(self, run_id: str) -> None:
        """End a run early; what is done is kept. A run that has ended stays as it is."""
        view = self._views.get(run_id)
        if view is not None:
            self._loop.call_soon_threadsafe(self._cancel, view)

    def ask(
        self, make: Callable[[Connection], Coroutine[Any, Any, _T]], plan: str = "auto", timeout_s: float = 30.0
    ) -> _T:
        """Run a coroutine on the runs' loop with an open connection, and return its result.

        Raises what the coroutine or the connecting raises.
        """

        async def call() -> _T:
            async with self._connection(plan) as connection:
                return await make(connection)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(timeout_s)

    def plan(self, selection: Selection) -> RunPlan:
        """Return the plan of a selection, with what the lanes have learned; asks the provider which models live."""

        async def make(connection: Connection) -> RunPlan:
            return await Run(selection, connection, self.store).prepare()

        return self.ask(make, selection.job.plan)

    def close(self) -> None:
        """Cancel everything, wait a moment for it, and stop the thread."""
        if self._closed:
            return
        self._closed = True

        async def wind_down() -> None:
            for view in self._views.values():
                self._cancel(view)
            tasks = list(self._tasks.values())
            if tasks:
                await asyncio.wait(tasks, timeout=_CLOSE_S / 2)
            for connection in self._connections.values():
                await connection.close()

        with contextlib.suppress(concurrent.futures.TimeoutError, RuntimeError):
            asyncio.run_coroutine_threadsafe(wind_down(), self._loop).result(_CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)

    # -- on the loop's thread ----------------------------------------------------------------------------------

    def _spawn(self, view: RunView, earlier: EarlierPart | None) -> None:
        self._tasks[view.run_id] = task = self._loop.create_task(self._work(view, earlier))

        def done(_: asyncio.Task[None]) -> None:
            self._tasks.pop(view.run_id, None)
            self._runs.pop(view.run_id, None)

        task.add_done_callback(done)

    async def _work(self, view: RunView, earlier: EarlierPart | None) -> None:
        def began(run: Run) -> None:
            self._runs[view.run_id] = run
            if view.status is RunStatus.CANCELLED:
                run.cancel()

        try:
            result = await drive(
                view.job,
                lambda: self._connection(view.job.plan),
                self.store,
                selection=view.selection,
                earlier=earlier,
                run_id=view.run_id,
                tally=view.tally,
                watch=self._watch(view),
                began=began,
                before_s=time.monotonic() - view.pressed_at,
            )
            view.result = result
            view.status = RunStatus(result.status)
        except KetlError as error:
            view.error, view.status = str(error), RunStatus.FAILED
        except asyncio.CancelledError:
            view.error, view.status = "The program was closed before the run had ended.", RunStatus.FAILED
            raise
        except Exception as error:  # a fault of ours must end as a message, not as a page that waits for ever
            if self._closed and isinstance(error, RuntimeError):
                # The program ends while the run does: its journal says how far it came, and it can be resumed.
                view.error, view.status = "The program was closed before the run had ended.", RunStatus.FAILED
                return
            found_by = report(logger, "Run %s stopped on an internal error.", view.run_id)
            view.error = f"The run stopped on an internal error. What was done is kept. {where_to_look(found_by)}"
            view.status = RunStatus.FAILED

    def _watch(self, view: RunView) -> Callable[[Event], None]:
        def take(event: Event) -> None:
            if type(event) is Ended and view.phase != "baseline":
                view.ended += 1
                if not event.outcome.from_memory:
                    view.pace.ended(time.monotonic())
                view.recent.append(event.outcome)
                if len(view.recent) > 400:
                    del view.recent[:200]
            elif type(event) is Admitted:
                view.pace.begin(time.monotonic())
            elif type(event) is PhaseBegan:
                view.phase = event.phase
                view.baseline_requests = event.requests if event.phase == "baseline" else 0
            elif type(event) is Planned:
                view.plan = self._runs[view.run_id].plan
                view.began_at = time.monotonic()
                if view.status is RunStatus.QUEUED:
                    view.status = RunStatus.RUNNING
            elif view.phase == "baseline" and type(event) is Answered and len(view.baseline) < TIMELINE_MOST:
                view.baseline.append(event)

        return take

    def _cancel(self, view: RunView) -> None:
        run = self._runs.get(view.run_id)
        if run is not None:
            run.cancel()
        elif view.status is RunStatus.QUEUED:
            view.status = RunStatus.CANCELLED

    @asynccontextmanager
    async def _connection(self, plan: str) -> AsyncIterator[Connection]:
        """Yield the host's connection for a plan, opened when first asked for."""
        async with self._opening:
            connection = self._connections.get(plan)
            if connection is None:
                connection = await open_connection(self.settings, load_tier(plan), self.store)
                self._connections[plan] = connection
        yield connection

    def _forget_oldest(self) -> None:
        ended = [run_id for run_id, view in self._views.items() if not view.live]
        for run_id in ended[: max(0, len(self._views) - KEEP)]:
            del self._views[run_id]
