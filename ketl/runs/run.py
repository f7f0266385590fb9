"""Takes a selection to its report: memory and plan, engine, baseline, journal, and the pass over its rows."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ketl.engine.lane_routes import LaneRoute
from ketl.engine.work import Work, WorkLimits
from ketl.errors import KetlError, RunError
from ketl.memory.memory import Memory
from ketl.planning.plan import RunPlan
from ketl.planning.textbook import textbook_seconds
from ketl.prompts.prepared import Prepared
from ketl.results.baseline import Baseline, BaselineKind, extrapolate, sample_size
from ketl.results.crowd import Shown
from ketl.results.events import Ended, Event, JournalHeld, PhaseBegan, Planned, Substituted
from ketl.results.gain import explain_gain
from ketl.results.outcome import Outcome
from ketl.results.report import Facts, build_report
from ketl.results.rows import NOT_STARTED
from ketl.results.tally import Tally
from ketl.runs.connection import Connection
from ketl.runs.feed import Feeder
from ketl.runs.job import Mode
from ketl.runs.journalling import PATIENCE_S, JournalKeeper, write_first_row
from ketl.runs.outcome_log import OutcomeLog
from ketl.runs.preparation import Preparation
from ketl.runs.result import RunResult
from ketl.runs.row_pass import RowPass, Write
from ketl.runs.selection import Selection
from ketl.runs.shared_claims import SharedClaims
from ketl.runs.threads import in_own_thread
from ketl.store.store import Store


@dataclass(slots=True)
class Run:
    """One run: `prepare` looks into the memory and plans, `execute` carries out that very plan.

    `cancel` ends it early, from the loop's thread. `write` takes the rows as they come, in the order of the
    catalogue. `done_before` are the outcomes of an earlier part of the run, which is `resumed`. `pressed_at` is the
    loop's time at which the person asked for it.
    """

    selection: Selection
    connection: Connection
    store: Store | None
    watch: Callable[[Event], None] = lambda event: None
    run_id: str = field(default_factory=lambda: new_run_id())
    done_before: Mapping[tuple[bytes, str], Outcome] = field(default_factory=dict)
    resumed: bool = False
    tally: Tally = field(default_factory=Tally)
    write: Write | None = None
    plan: RunPlan | None = None
    pressed_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    patience_s: float = PATIENCE_S
    _work: Work | None = None
    _paused: bool = False
    _stopped: KetlError | None = None
    _feeder: Feeder | None = None
    _looked_s: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _prepared: Preparation | None = None
    _keeping: JournalKeeper | None = None

    def cancel(self, reason: str = "You cancelled the run; what was done is kept.") -> None:
        """End the run: nothing more is sent, what is in flight is dropped, what is done stays."""
        self._stop(RunError(reason))
        if self._keeping is not None:
            self._keeping.hurry()

    async def prepare(self) -> RunPlan:
        """Look into the memory, and return the plan that `execute` will carry out.

        Raises GoalError when the run's goals cannot be met.
        """
        connection = self.connection
        begun = asyncio.get_running_loop().time()
        prepared = self._prepared = await asyncio.to_thread(
            Preparation, self.selection, self._memory(), self.done_before
        )
        # Planning reads the lanes' books, which belong to this thread; only the look into the memory takes long.
        await asyncio.to_thread(prepared.look_ahead)
        self._looked_s = asyncio.get_running_loop().time() - begun
        plan = self.plan = prepared.plan(connection.listed, connection.lanes, connection.dispatcher.now())
        self._emit(
            Planned(
                products=plan.products,
                languages=len(plan.languages),
                units=plan.units,
                segments=plan.segments,
                from_memory=plan.from_memory,
                requests=plan.requests,
                predicted_s=plan.predicted_s,
            )
        )
        return plan

    def _memory(self) -> Memory | None:
        used = self.store is not None and self.selection.job.uses_memory
        return Memory(self.store, self.connection.engine) if used and self.store is not None else None

    async def execute(self) -> RunResult:
        """Run to the end and return what it left. Raises only for what went wrong before anything was sent."""
        plan = self.plan or await self.prepare()
        memory = self._memory()
        log = OutcomeLog(self.run_id, self.store, memory)
        for outcome in self.done_before.values():
            log.add(outcome, journalled=True)
        log.lease = await self._journal_start(plan)
        keeper = self._keeping = self._keeper(log)
        try:
            return await self._executed(plan, log, memory, keeper)
        finally:
            await keeper.close()

    async def _executed(
        self, plan: RunPlan, log: OutcomeLog, memory: Memory | None, keeper: JournalKeeper
    ) -> RunResult:
        job, loop = self.selection.job, asyncio.get_running_loop()
        for language in plan.languages:
            self.selection.brief.warm(language)
            await asyncio.sleep(0)  # of 47 languages each takes some milliseconds
        levels = {
            name: lane.books.levels(self.connection.dispatcher.now()) for name, lane in self.connection.lanes.items()
        }
        moved = {(source, target): why for route in plan.routes.values() for source, target, why in route.substitutions}
        for (source, target), why in moved.items():
            self._emit(Substituted(source, target, f"{source} {why}"))
        sequential = job.mode is Mode.SEQUENTIAL
        self._emit(PhaseBegan("sequential" if sequential else "parallel", plan.requests))
        row_pass = RowPass(self.selection, log, memory, self.write, self.done_before)
        following = in_own_thread(row_pass.run, "ketl-rows")
        try:
            makespan_s = await self._translate(plan, log, memory, sequential=sequential)
            last_end = loop.time()
        except asyncio.CancelledError:
            self.cancel("The program was closed before the run had ended.")
            raise
        finally:
            if self._feeder is not None:
                self._feeder.release()
            try:
                await keeper.settle()
            finally:
                if self._feeder is not None:
                    await self._feeder.close()
                # Whatever happens, who follows the run must not wait for more.
                log.close(str(self._stopped) if self._stopped is not None else NOT_STARTED)
        await following
        closing_s = loop.time() - last_end
        total_s = loop.time() - self.pressed_at
        limits, shown = self._limits(levels), self.connection.dispatcher.shown()
        baseline = await self._baseline(plan, makespan_s, shown)
        return await self._finish(plan, log, keeper, row_pass, makespan_s, total_s, closing_s, baseline, limits, shown)

    # -- the phases -----------------------------------------------------------------------------------------

    async def _translate(self, plan: RunPlan, log: OutcomeLog, memory: Memory | None, *, sequential: bool) -> float:
        """Translate every segment and return the seconds it took from the first look at a text to the last end."""
        job, dispatcher = self.selection.job, self.connection.dispatcher
        assert self._prepared is not None
        recall, sheet = self._prepared.recall, self._prepared.sheet

        def take(event: Event) -> None:
            if type(event) is Ended:
                log.add(event.outcome)
                entry = feeder.ended(event.outcome, self.run_id)
                if entry is not None:
                    log.remember(entry)
            self._emit(event)

        started = dispatcher.now()
        work = self._work = self._new_work(plan, take, started, sequential=sequential)
        feeder = self._feeder = Feeder(
            recall,
            sheet,
            self.connection.claims,
            work,
            plan.pack_sizes,
            take,
            turn=self._turn,
            shared=None
            if memory is None or self.store is None
            else SharedClaims(self.store.claims, memory, self.run_id),
            keep=job.mode is Mode.COMPARE,
        )
        if self._stopped is not None:
            work.stop(self._stopped)
        deadline: asyncio.TimerHandle | None = None
        if job.deadline_s is not None:
            late = RunError(f"The deadline of {job.deadline_s:,.0f} seconds was reached; what was done is kept.")
            deadline = dispatcher.later(job.deadline_s, lambda: work.stop(late))
        try:
            await feeder.feed()
            await work.drained()
        finally:
            if deadline is not None:
                deadline.cancel()
            dispatcher.remove(work)
        self._stopped = self._stopped or work.stopped
        return self._looked_s + dispatcher.now() - started

    def _new_work(self, plan: RunPlan, take: Callable[[Event], None], started: float, *, sequential: bool) -> Work:
        connection, job = self.connection, self.selection.job
        routes = {}
        for group, route in plan.routes.items():
            chain = tuple(connection.lanes[name] for name in route.chain if name in connection.lanes)
            routes[group] = LaneRoute(chain, chain[: plan.serving.get(group, 1)])
        limits = WorkLimits(
            max_in_flight=1 if sequential else None, max_cost_usd=job.max_cost_usd, hedging=not sequential
        )
        work = Work(
            connection.dispatcher, self.selection.brief, routes, take, limits, started=started, run_id=self.run_id
        )
        work.pause(self._paused)
        connection.dispatcher.add(work)
        return work

    # -- the baseline ------------------------------------------------------------------------------------------

    async def _baseline(self, plan: RunPlan, makespan_s: float, shown: Mapping[str, Shown]) -> Baseline:
        job = self.selection.job
        if not self.tally.requests:
            return Baseline(kind=job.baseline, seconds=None)
        if job.mode is Mode.SEQUENTIAL:
            return Baseline(kind=BaselineKind.MEASURED, seconds=makespan_s)
        projected = Baseline(kind=BaselineKind.PROJECTED, seconds=self.tally.work_s(shown))
        if job.mode is not Mode.COMPARE or job.baseline is BaselineKind.PROJECTED or self._stopped is not None:
            return projected
        assert self._feeder is not None
        packs: Sequence[Sequence[Prepared]] = self._feeder.kept
        sampled = job.baseline is BaselineKind.SAMPLED
        if sampled:
            packs = random.Random(self.run_id).sample(packs, sample_size(len(packs)))
        self._emit(PhaseBegan("baseline", len(packs)))
        times: list[float] = []
        dispatcher = self.connection.dispatcher
        began = dispatcher.now()
        for pack in packs:
            begun = dispatcher.now()
            work = self._new_work(plan, self._emit, begun, sequential=True)
            self._work = work
            try:
                work.put(pack)
                work.fed()
                await work.drained()
            finally:
                dispatcher.remove(work)
            if self._stopped is not None:
                return projected
            times.append(dispatcher.now() - begun)
        if sampled:
            return extrapolate(times, len(self._feeder.kept))
        return Baseline(kind=BaselineKind.MEASURED, seconds=dispatcher.now() - began)

    def _limits(self, levels: Mapping[str, Mapping[str, float]]) -> dict[str, list[tuple[str, float, float]]]:
        """Return every lane's limits as now known, with what of them was free when the run began."""
        return {
            name: [
                (kind, bucket.capacity - levels.get(name, {}).get(kind, 0.0), bucket.rate)
                for kind, bucket in lane.books.buckets.items()
            ]
            for name, lane in self.connection.lanes.items()
        }

    # -- the end ------------------------------------------------------------------------------------------------

    async def _finish(
        self,
        plan: RunPlan,
        log: OutcomeLog,
        keeper: JournalKeeper,
        row_pass: RowPass,
        makespan_s: float,
        total_s: float,
        closing_s: float,
        baseline: Baseline,
        limits: dict[str, list[tuple[str, float, float]]],
        shown: Mapping[str, Shown],
    ) -> RunResult:
        reason, status = ("", "finished") if self._stopped is None else (str(self._stopped), "cancelled")
        every, distinct = textbook_seconds(self.selection.census, plan, self.connection.lanes)
        report = build_report(
            self.tally,
            Facts(
                run_id=self.run_id,
                mode=self.selection.job.mode.value,
                engine=self.connection.engine,
                status=status,
                products=plan.products,
                languages=tuple(language.name for language in plan.languages),
                units=plan.units,
                segments=plan.segments,
                counts=row_pass.counts,
                makespan_s=makespan_s,
                total_s=total_s,
                closing_s=closing_s,
                predicted_s=plan.predicted_s,
                baseline=baseline,
                gain=explain_gain(
                    every,
                    distinct,
                    known_share=self.tally.from_memory / plan.segments,
                    packed_s=self.tally.predicted_service_s,
                    baseline_s=baseline.seconds,
                    makespan_s=makespan_s,
                    packs_of_one=set(plan.pack_sizes.values()) == {1},
                )
                # What a resumed run had done before took a time that nobody knows any more.
                if baseline.seconds is not None and not self.done_before
                else {},
                limits=limits,
                shown=shown,
                routes={group: route.reason for group, route in plan.routes.items()},
                pack=plan.pack_sizes,
                reason=reason,
            ),
        )
        result = RunResult(
            self.run_id,
            status,
            report,
            self.selection,
            plan,
            self.tally,
            log,
            row_pass.counts,
            reason,
            self._stopped,
            row_pass.unwritten,
            crossed=row_pass.crossed,
        )
        if self.store is not None:
            await self._keep_all(self.store, result, keeper, log.lease)
            result.unsaved = keeper.lost or log.unread
        return result

    async def _keep_all(self, store: Store, result: RunResult, keeper: JournalKeeper, lease: str | None) -> None:
        """Keep what was learned, and journal the end."""
        learned = self.tally.route_stats(self.connection.engine)
        await keeper.last(lambda: asyncio.to_thread(store.route_stats.add, learned))
        await keeper.last(lambda: asyncio.to_thread(self.connection.save_limits, store))
        end = self.run_id, result.status, result.report, None, lease
        await keeper.last(lambda: asyncio.to_thread(store.journal.finish_run, *end))

    def _keeper(self, log: OutcomeLog) -> JournalKeeper:
        async def beat() -> None:
            if self.store is not None:
                await asyncio.to_thread(self.store.journal.heartbeat, self.run_id, None, log.lease)

        return JournalKeeper(
            log,
            write=lambda: self._flush(log),
            beat=beat,
            pause=self._pause,
            stop=self._stop,
            held=lambda reason: self._emit(JournalHeld(reason, self.patience_s)),
            patience_s=self.patience_s,
        )

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        if self._work is not None:
            self._work.pause(paused)

    def _stop(self, reason: KetlError) -> None:
        self._stopped = self._stopped or reason
        if self._work is not None:
            self._work.stop(reason)

    async def _flush(self, log: OutcomeLog) -> None:
        feeder = self._feeder
        ended = feeder.unflushed if feeder is not None else 0
        async with self._turn:
            await asyncio.to_thread(log.flush)
        if feeder is not None:
            feeder.flushed(ended)

    async def _journal_start(self, plan: RunPlan) -> str | None:
        """Write the run's first row, unless it has one, and return the lease under which it is owned."""
        store, engine = self.store, self.connection.engine
        if store is None:
            return None
        if self.resumed:
            return store.journal.lease(self.run_id)
        return await asyncio.to_thread(write_first_row, store.journal, self.run_id, engine, self.selection, plan)

    def _emit(self, event: Event) -> None:
        self.tally.add(event)
        self.watch(event)


def new_run_id() -> str:
    """Return an id that nobody guesses, since an address with it is a key to the run."""
    return secrets.token_hex(12)
