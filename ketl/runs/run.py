"""Takes a job from selection to report: plan, memory, engine, baseline, journal."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ketl.checks.base import Finding
from ketl.engine.lane_routes import LaneRoute
from ketl.engine.work import Work, WorkLimits
from ketl.errors import KetlError, RunError
from ketl.memory.memory import Memory
from ketl.planning.plan import Goals, RunPlan, make_plan
from ketl.planning.routing import choose_routes
from ketl.prompts.brief import Prepared
from ketl.results.baseline import Baseline, BaselineKind, extrapolate, sample_size
from ketl.results.events import Ended, Event, PhaseBegan, Substituted
from ketl.results.outcome import Outcome
from ketl.results.report import Facts, build_report
from ketl.results.rows import NOT_STARTED, ResultRow, UnitKey, count_rows, rows_of
from ketl.results.tally import Tally
from ketl.runs.closing import gain, look_across, remember
from ketl.runs.connection import Session
from ketl.runs.feed import Intake, count_remembered
from ketl.runs.job import Mode, job_to_json
from ketl.runs.outcome_log import Outcomes
from ketl.runs.selection import Selection
from ketl.store import Store

_CHUNK = 240
_FLUSH_EVERY_S = 0.1  # what a kill may lose; a commit takes about a millisecond
_NOTED_AT_ONCE = 2_000
_LOOK_EVERY_S = 0.5


@dataclass(slots=True)
class RunResult:
    """What a run left: its report, and its rows, which are made when they are iterated.

    `stopped` is what ended the run early, None when it ran to its end.
    """

    run_id: str
    status: str
    report: dict[str, Any]
    selection: Selection
    plan: RunPlan
    tally: Tally
    outcomes: Outcomes
    reason: str = ""
    stopped: KetlError | None = None
    crossed: Mapping[UnitKey, tuple[Finding, ...]] = field(default_factory=dict)

    def rows(self) -> Iterator[ResultRow]:
        """Yield one row per unit, in the order of the catalogue."""
        chosen = self.selection
        reason = self.reason or NOT_STARTED
        return rows_of(
            chosen.catalog, chosen.fields, chosen.languages, self.outcomes.find, reason=reason, crossed=self.crossed
        )


@dataclass(slots=True)
class Run:
    """One run from its press of the button to its report; `cancel` ends it early, from the loop's thread."""

    selection: Selection
    session: Session
    store: Store | None
    watch: Callable[[Event], None] = lambda event: None
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    done_before: Mapping[tuple[bytes, str], Outcome] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    _work: Work | None = None
    _stopped: KetlError | None = None
    _intake: Intake | None = None
    _remembered: int = 0

    def cancel(self, reason: str = "You cancelled the run; what was done is kept.") -> None:
        """End the run: nothing more is sent, what is in flight is dropped, what is done stays."""
        self._stopped = self._stopped or RunError(reason)
        if self._work is not None:
            self._work.stop(self._stopped)

    def plan(self) -> RunPlan:
        """Return the plan for this run. Raises GoalError when its goals cannot be met."""
        job, chosen, session = self.selection.job, self.selection, self.session
        return make_plan(
            chosen.census,
            chosen.languages,
            choose_routes(chosen.languages, session.listed, job.routes),
            session.lanes,
            session.dispatcher.now(),
            pack=job.pack,
            goals=Goals(deadline_s=job.deadline_s, max_cost_usd=job.max_cost_usd),
            from_memory=self._remembered,
        )

    async def look_into_memory(self) -> None:
        """Count what the memory already has, so that the plan does not price it."""
        memory = self._memory()
        if memory is not None:
            self._remembered = await asyncio.to_thread(count_remembered, self.selection, memory)

    def _memory(self) -> Memory | None:
        used = self.store is not None and self.selection.job.uses_memory
        return Memory(self.store, self.session.engine) if used and self.store is not None else None

    async def execute(self) -> RunResult:
        """Run to the end and return what it left. Raises only for what went wrong before anything was sent."""
        job = self.selection.job
        plan = self.plan()
        outcomes = Outcomes(self.run_id, self.store)
        for outcome in self.done_before.values():
            outcomes.add(outcome)
        self._journal_start(plan)
        for language in plan.languages:
            self.selection.brief.warm(language)
        levels = {name: lane.books.levels(self.session.dispatcher.now()) for name, lane in self.session.lanes.items()}
        moved = {(source, target): why for route in plan.routes.values() for source, target, why in route.substitutions}
        for (source, target), why in moved.items():
            self._emit(Substituted(source, target, f"{source} {why}"))
        phase = "sequential" if job.mode is Mode.SEQUENTIAL else "parallel"
        self._emit(PhaseBegan(phase, plan.requests))
        loop = asyncio.get_running_loop()
        flusher = loop.create_task(self._keep_flushing(outcomes))
        began = loop.time()
        try:
            makespan_s = await self._translate(plan, outcomes, sequential=job.mode is Mode.SEQUENTIAL)
        except asyncio.CancelledError:
            self.cancel("The program was closed before the run had ended.")
            makespan_s = loop.time() - began
            raise
        finally:
            if self._intake is not None:
                self._intake.release()
            flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flusher
        limits = self._limits(levels)
        baseline = await self._baseline(plan, makespan_s)
        return await self._finish(plan, outcomes, makespan_s, baseline, limits)

    # -- the phases -----------------------------------------------------------------------------------------

    async def _translate(self, plan: RunPlan, outcomes: Outcomes, *, sequential: bool) -> float:
        """Translate every segment and return the seconds it took from the first look at a text to the last end."""
        job, dispatcher = self.selection.job, self.session.dispatcher

        def take(event: Event) -> None:
            if type(event) is Ended:
                outcomes.add(event.outcome)
                intake.ended(event.outcome)
            self._emit(event)

        started = dispatcher.now()
        work = self._work = self._new_work(plan, take, started, sequential=sequential)
        intake = self._intake = Intake(
            self.selection,
            self.session,
            work,
            plan.pack_sizes,
            take,
            memory=self._memory(),
            done_before=self.done_before,
            keep=job.mode is Mode.COMPARE,
        )
        if self._stopped is not None:
            work.stop(self._stopped)
        if job.deadline_s is not None:
            late = RunError(f"The deadline of {job.deadline_s:,.0f} seconds was reached; what was done is kept.")
            dispatcher.later(job.deadline_s, lambda: work.stop(late))
        try:
            await intake.feed()
            await work.drained()
        finally:
            dispatcher.remove(work)
        self._stopped = self._stopped or work.stopped
        return dispatcher.now() - started

    def _new_work(self, plan: RunPlan, take: Callable[[Event], None], started: float, *, sequential: bool) -> Work:
        session, job = self.session, self.selection.job
        routes = {}
        for group, route in plan.routes.items():
            chain = tuple(session.lanes[name] for name in route.chain if name in session.lanes)
            routes[group] = LaneRoute(chain, chain[: plan.serving.get(group, 1)])
        limits = WorkLimits(
            max_in_flight=1 if sequential else None, max_cost_usd=job.max_cost_usd, hedging=not sequential
        )
        work = Work(session.dispatcher, self.selection.brief, routes, take, limits, started=started, run_id=self.run_id)
        session.dispatcher.add(work)
        return work

    # -- the baseline ------------------------------------------------------------------------------------------

    async def _baseline(self, plan: RunPlan, makespan_s: float) -> Baseline:
        job = self.selection.job
        if job.mode is Mode.SEQUENTIAL:
            return Baseline(kind=BaselineKind.MEASURED, seconds=makespan_s)
        projected = Baseline(kind=BaselineKind.PROJECTED, seconds=self.tally.service_s)
        if job.mode is not Mode.COMPARE or job.baseline is BaselineKind.PROJECTED or self._stopped is not None:
            return projected
        assert self._intake is not None
        packs: Sequence[Sequence[Prepared]] = self._intake.kept
        sampled = job.baseline is BaselineKind.SAMPLED
        if sampled:
            packs = random.Random(self.run_id).sample(packs, sample_size(len(packs)))
        self._emit(PhaseBegan("baseline", len(packs)))
        times: list[float] = []
        dispatcher = self.session.dispatcher
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
            return extrapolate(times, len(self._intake.kept))
        return Baseline(kind=BaselineKind.MEASURED, seconds=dispatcher.now() - began)

    def _limits(self, levels: Mapping[str, Mapping[str, float]]) -> dict[str, list[tuple[str, float, float]]]:
        """Return every lane's limits as now known, with what of them was free when the run began."""
        return {
            name: [
                (kind, bucket.capacity - levels.get(name, {}).get(kind, 0.0), bucket.rate)
                for kind, bucket in lane.books.buckets.items()
            ]
            for name, lane in self.session.lanes.items()
        }

    # -- the end ------------------------------------------------------------------------------------------------

    async def _finish(
        self,
        plan: RunPlan,
        outcomes: Outcomes,
        makespan_s: float,
        baseline: Baseline,
        limits: dict[str, list[tuple[str, float, float]]],
    ) -> RunResult:
        reason = str(self._stopped) if self._stopped is not None else ""
        status = "cancelled" if self._stopped is not None else "finished"
        await asyncio.to_thread(outcomes.flush)
        result = RunResult(self.run_id, status, {}, self.selection, plan, self.tally, outcomes, reason, self._stopped)
        result.crossed = await asyncio.to_thread(look_across, self.selection, outcomes, plan)
        counts = await asyncio.to_thread(lambda: count_rows(result.rows()))
        result.report = build_report(
            self.tally,
            Facts(
                run_id=self.run_id,
                mode=self.selection.job.mode.value,
                engine=self.session.engine,
                status=status,
                products=plan.products,
                languages=tuple(language.name for language in plan.languages),
                units=plan.units,
                segments=plan.segments,
                counts=counts,
                makespan_s=makespan_s,
                predicted_s=plan.predicted_s,
                planned_bound_s=plan.bound_s,
                baseline=baseline,
                gain=gain(self.selection, plan, self.session.lanes, self.tally, makespan_s, baseline.seconds),
                limits=limits,
                routes={group: route.reason for group, route in plan.routes.items()},
                pack=plan.pack_sizes,
                reason=reason,
            ),
        )
        if self.store is not None:
            await asyncio.to_thread(self._keep_all, result)
        return result

    def _keep_all(self, result: RunResult) -> None:
        """Remember the clean translations, keep what was learned, and journal the end."""
        assert self.store is not None
        if self.selection.job.uses_memory:
            remember(Memory(self.store, self.session.engine), self.selection, result.outcomes, self.run_id)
        self.store.add_route_stats(self.tally.route_stats(self.session.engine))
        self.session.save_limits(self.store)
        self.store.finish_run(self.run_id, result.status, result.report)

    async def _keep_flushing(self, outcomes: Outcomes) -> None:
        quiet = 0
        while self.store is not None:
            await asyncio.sleep(_FLUSH_EVERY_S)
            quiet = 0 if outcomes.pending else quiet + 1
            if outcomes.pending:
                await asyncio.to_thread(outcomes.flush)
            elif quiet % 50 == 0:
                await asyncio.to_thread(self.store.heartbeat, self.run_id)

    def _journal_start(self, plan: RunPlan) -> None:
        if self.store is None or self.done_before:
            return
        self.store.start_run(
            self.run_id,
            engine=self.session.engine,
            mode=self.selection.job.mode.value,
            spec=job_to_json(self.selection.job),
            counts={
                "products": plan.products,
                "languages": len(plan.languages),
                "units": plan.units,
                "segments": plan.segments,
                "requests": plan.requests,
            },
        )

    def _emit(self, event: Event) -> None:
        self.tally.add(event)
        self.watch(event)
