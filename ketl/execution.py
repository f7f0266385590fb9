"""Takes a job from selection to report: plan, memory, engine, baseline, journal."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ketl.brand_voice import BrandVoice
from ketl.briefs import Brief, Prepared
from ketl.catalog import KIND_OF, Catalog, find_fields
from ketl.checks.base import Finding
from ketl.crosschecks import MOST_COMPARED, UnitKey, cross_check
from ketl.engine.work import LaneRoute, Work, WorkLimits
from ketl.errors import KetlError, RunError
from ketl.events import Ended, Event, PhaseBegan, Substituted
from ketl.glossary import Glossary
from ketl.jobs import Job, Mode, job_to_json
from ketl.languages import Language, find_languages
from ketl.memory import Memory, Remembered
from ketl.outcomes import NOT_STARTED, Outcomes, count_rows, rows_of
from ketl.packing import Packer
from ketl.planning import Census, Goals, RunPlan, make_plan, take_census
from ketl.prompts import answer_tokens
from ketl.report import Facts, Tally, build_report
from ketl.results import Outcome, ResultRow, Status
from ketl.routing import choose_routes, regroup
from ketl.session import Claim, Session
from ketl.store import Store
from ketl.termsheet import MOST_TEXTS, TermSheet
from ketl.timing import Baseline, BaselineKind, Step, extrapolate, sample_size, take_apart
from ketl.units import Segment, Text, cut_texts

_CHUNK = 240
_FLUSH_EVERY_S = 0.5
_NOTED_AT_ONCE = 2_000
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A job whose words have been understood: the products, fields, languages, and the brief."""

    job: Job
    catalog: Catalog
    fields: tuple[str, ...]
    languages: tuple[Language, ...]
    brief: Brief
    census: Census


def select(job: Job, catalog: Catalog | None = None) -> Selection:
    """Understand a job's words; sends nothing.

    Raises the UsageError that names the product, language, field or file that is wrong.
    """
    languages = regroup(find_languages(job.languages), job.routes)
    fields = find_fields(job.fields)
    chosen = (catalog or Catalog.open(job.catalog)).select(job.products)
    brief = Brief(Glossary.load(job.glossary), BrandVoice.load(), job.profile)
    return Selection(
        job=job,
        catalog=chosen,
        fields=fields,
        languages=languages,
        brief=brief,
        census=take_census(chosen, fields),
    )


@dataclass(slots=True)
class RunResult:
    """What a run left: its report, and its rows, which are made when they are iterated."""

    run_id: str
    status: str
    report: dict[str, Any]
    selection: Selection
    plan: RunPlan
    tally: Tally
    outcomes: Outcomes
    reason: str = ""
    crossed: Mapping[UnitKey, tuple[Finding, ...]] = field(default_factory=dict)

    def rows(self) -> Iterator[ResultRow]:
        """Yield one row per unit, in the order of the catalogue."""
        chosen = self.selection
        reason = self.reason or NOT_STARTED
        return rows_of(
            chosen.catalog, chosen.fields, chosen.languages, self.outcomes, reason=reason, crossed=self.crossed
        )


@dataclass(slots=True)
class Run:
    """One run from its press of the button to its report; `cancel` ends it early, from the loop's thread."""

    selection: Selection
    session: Session
    store: Store | None
    watch: Callable[[Event], None] = lambda event: None
    run_id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    done_before: Mapping[tuple[bytes, str], Outcome] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    _work: Work | None = None
    _stopped: KetlError | None = None
    _sent_tokens: float = 0.0
    _packs: int = 0
    _sent: list[Sequence[Prepared]] = field(default_factory=list)
    _sheet: TermSheet = field(init=False)
    _aside: dict[str, list[Segment]] = field(default_factory=dict)
    _mine: dict[tuple[bytes, str], tuple[str, Claim]] = field(default_factory=dict)

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
        )

    async def execute(self) -> RunResult:
        """Run to the end and return what it left. Raises only for what went wrong before anything was sent."""
        job = self.selection.job
        plan = self.plan()
        self._sheet = self._term_sheet()
        outcomes = Outcomes(self.run_id, self.store)
        for outcome in self.done_before.values():
            outcomes.add(outcome)
        self._journal_start(plan)
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
            self._release_claims()
            flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flusher
        limits = self._limits(levels)
        baseline = await self._baseline(plan, makespan_s)
        return await self._finish(plan, outcomes, makespan_s, baseline, limits)

    def _term_sheet(self) -> TermSheet:
        chosen = self.selection
        small = chosen.catalog.held and chosen.census.distinct <= MOST_TEXTS
        texts = (text for product in chosen.catalog if small for text in cut_texts(product, chosen.fields))
        return TermSheet(texts, chosen.languages, chosen.brief.glossary)

    # -- the phases -----------------------------------------------------------------------------------------

    async def _translate(self, plan: RunPlan, outcomes: Outcomes, *, sequential: bool) -> float:
        """Translate every segment and return the seconds it took from the first look at a text to the last end."""
        job, dispatcher = self.selection.job, self.session.dispatcher
        memory = Memory(self.store, self.session.engine) if self.store is not None and job.uses_memory else None

        def take(event: Event) -> None:
            if type(event) is Ended:
                outcomes.add(event.outcome)
                self._settle_claim(event.outcome)
                self._sheet.take(event.outcome)
            self._emit(event)

        started = dispatcher.now()
        work = self._new_work(plan, take, started, sequential=sequential)
        self._work = work
        if self._stopped is not None:
            work.stop(self._stopped)
        if job.deadline_s is not None:
            late = RunError(f"The deadline of {job.deadline_s:,.0f} seconds was reached; what was done is kept.")
            dispatcher.later(job.deadline_s, lambda: work.stop(late))
        packer = Packer(plan.pack_sizes)
        try:
            await self._feed(self._segments(), packer, work, memory, take, started)
            await self._feed_waiting(packer, work, memory, take, started)
            work.fed()
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
        work = Work(session.dispatcher, self.selection.brief, routes, take, limits, started=started)
        session.dispatcher.add(work)
        return work

    def _put(self, work: Work, pack: Sequence[Prepared]) -> None:
        if work.stopped is None:
            self._packs += 1
            if self.selection.job.mode is Mode.COMPARE:
                self._sent.append(pack)
            work.put(pack)

    async def _feed(
        self,
        segments: Iterable[Segment],
        packer: Packer,
        work: Work,
        memory: Memory | None,
        take: Callable[[Event], None],
        started: float,
        *,
        waited: bool = False,
    ) -> None:
        """Send segments on their way, some hundreds at a time; those that wait for options are put aside."""
        wanted = (
            segment
            for segment in segments
            if segment.id not in self.done_before and (waited or not self._put_aside(segment))
        )
        while work.stopped is None and (batch := list(islice(wanted, _CHUNK))):
            chunk = [self.selection.brief.prepare(segment) for segment in batch]
            for item in await self._not_remembered(chunk, memory, work, take, started):
                for pack in packer.add(item):
                    self._put(work, pack)
            await work.room()
            await asyncio.sleep(0)
        for pack in packer.rest():
            self._put(work, pack)

    def _put_aside(self, segment: Segment) -> bool:
        if segment.key not in self._sheet.waiting:
            return False
        self._aside.setdefault(segment.language.tag, []).append(segment)
        return True

    async def _feed_waiting(
        self, packer: Packer, work: Work, memory: Memory | None, take: Callable[[Event], None], started: float
    ) -> None:
        """Send the texts that mention an option, each language as soon as its options are known."""
        while self._aside and work.stopped is None:
            ready = [tag for tag in self._aside if self._sheet.ready(tag)]
            for tag in ready:
                self.selection.brief.pin(tag, self._sheet.glossary(tag))
                await self._feed(self._aside.pop(tag), packer, work, memory, take, started, waited=True)
            if not ready:
                await self._sheet.wait(_LOOK_EVERY_S)

    def _segments(self) -> Iterator[Segment]:
        seen: set[bytes] = set()
        for product in self.selection.catalog:
            fresh: list[Text] = []
            for text in cut_texts(product, self.selection.fields):
                if text.key not in seen:
                    seen.add(text.key)
                    fresh.append(text)
            for language in self.selection.languages:
                for text in fresh:
                    yield Segment(text.key, text.kind, text.source, language)

    async def _not_remembered(
        self,
        chunk: list[Prepared],
        memory: Memory | None,
        work: Work,
        take: Callable[[Event], None],
        started: float,
    ) -> list[Prepared]:
        """End the segments that need no request, and return those that do."""
        now = self.session.dispatcher.now()
        brief = self.selection.brief
        rest: list[Prepared] = []
        prints: dict[tuple[bytes, str], str] = {}
        for item in chunk:
            if item.ready is not None:
                take(Ended(_outcome(item, item.ready), now - started))
            else:
                rest.append(item)
                if memory is not None:
                    prints[item.segment.id] = brief.fingerprint(item)
        if memory is not None and rest:
            known = await asyncio.to_thread(memory.recall, [item.segment for item in rest], prints)
            fresh: list[Prepared] = []
            for item in rest:
                kept = known.get(item.segment.id)
                if kept is not None:
                    take(Ended(_remembered(kept), self.session.dispatcher.now() - started))
                elif not self._wait_for_other_run(item, prints[item.segment.id], work, take, started):
                    fresh.append(item)
            rest = fresh
        self._sent_tokens += sum(answer_tokens(item.completion_tokens) for item in rest)
        return rest

    # -- once, between runs ------------------------------------------------------------------------------------

    def _wait_for_other_run(
        self, item: Prepared, fingerprint: str, work: Work, take: Callable[[Event], None], started: float
    ) -> bool:
        """Wait for another run's answer to the same segment, or claim the segment for this run."""
        key = (*item.segment.id, fingerprint)
        claim = self.session.claims.get(key)
        if claim is None:
            claim = self.session.claims[key] = Claim()
            self._mine[item.segment.id] = (fingerprint, claim)
            return False
        waiter: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        claim.waiters.append(waiter)
        work.hold()

        def arrived(future: asyncio.Future[Outcome | None]) -> None:
            outcome = future.result()
            if work.stopped is None:
                if outcome is not None and outcome.status is Status.TRANSLATED:
                    now = self.session.dispatcher.now()
                    take(Ended(replace(outcome, from_memory=True, seconds=None), now - started))
                else:
                    self._put(work, [item])
            work.release()

        waiter.add_done_callback(arrived)
        return True

    def _settle_claim(self, outcome: Outcome) -> None:
        mine = self._mine.pop((outcome.key, outcome.language_tag), None)
        if mine is not None:
            fingerprint, claim = mine
            self.session.claims.pop((outcome.key, outcome.language_tag, fingerprint), None)
            claim.resolve(outcome)

    def _release_claims(self) -> None:
        for ident, (fingerprint, claim) in self._mine.items():
            self.session.claims.pop((*ident, fingerprint), None)
            claim.resolve(None)
        self._mine = {}

    # -- the baseline ------------------------------------------------------------------------------------------

    async def _baseline(self, plan: RunPlan, makespan_s: float) -> Baseline:
        job = self.selection.job
        if job.mode is Mode.SEQUENTIAL:
            return Baseline(kind=BaselineKind.MEASURED, seconds=makespan_s)
        projected = Baseline(kind=BaselineKind.PROJECTED, seconds=self.tally.service_s)
        if job.mode is not Mode.COMPARE or job.baseline is BaselineKind.PROJECTED or self._stopped is not None:
            return projected
        sampled = job.baseline is BaselineKind.SAMPLED
        chosen = self._sample() if sampled else None
        self._emit(PhaseBegan("baseline", len(chosen) if chosen is not None else self._packs))
        times: list[float] = []
        dispatcher = self.session.dispatcher
        began = dispatcher.now()
        for number, pack in enumerate(self._sent):
            if chosen is not None and number not in chosen:
                continue
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
            return extrapolate(times, self._packs)
        return Baseline(kind=BaselineKind.MEASURED, seconds=dispatcher.now() - began)

    def _sample(self) -> set[int]:
        rng = random.Random(self.run_id)
        return set(rng.sample(range(self._packs), sample_size(self._packs)))

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
        result = RunResult(self.run_id, status, {}, self.selection, plan, self.tally, outcomes, reason)
        result.crossed = await asyncio.to_thread(self._look_across, result)
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
                gain=self._gain(plan, makespan_s),
                limits=limits,
                routes={group: route.reason for group, route in plan.routes.items()},
                pack=plan.pack_sizes,
                reason=reason,
            ),
        )
        if self.store is not None:
            await asyncio.to_thread(self._keep, result, outcomes)
        return result

    def _look_across(self, result: RunResult) -> dict[UnitKey, tuple[Finding, ...]]:
        by_tag = {language.tag: language for language in self.selection.languages}
        return cross_check(result.rows(), by_tag, KIND_OF, across=result.plan.units <= MOST_COMPARED)

    def _gain(self, plan: RunPlan, makespan_s: float) -> dict[str, Step]:
        """Take the run's time apart with the lanes' learned service times, scaled to what was observed."""
        census, lanes = self.selection.census, self.session.lanes
        textbook = distinct = 0.0
        per_segment = 0.0
        for language in plan.languages:
            lane = lanes[plan.routes[language.group].chain[0]]
            rate = language.expansion / language.chars_per_token
            fixed = lane.times.predict(0.0)
            slope = lane.times.predict(1.0) - fixed
            textbook += census.texts * (fixed + slope * 11) + slope * rate * census.all_characters
            distinct += census.distinct * (fixed + slope * 11) + slope * rate * census.characters
            per_segment += fixed / len(plan.languages)
        total_tokens = self._all_tokens(plan)
        sent = distinct * (self._sent_tokens / total_tokens) if total_tokens else 0.0
        packed = self.tally.predicted_service_s
        scale = self.tally.service_s / packed if packed > 0 else 1.0
        if set(plan.pack_sizes.values()) == {1}:
            sent = packed  # nothing was packed, so that step must not carry the estimate's error
        floor = max(makespan_s, 1e-9)
        return take_apart(textbook * scale, distinct * scale, sent * scale, self.tally.service_s, floor)

    def _all_tokens(self, plan: RunPlan) -> float:
        census = self.selection.census
        return sum(census.characters * x.expansion / x.chars_per_token + 11 * census.distinct for x in plan.languages)

    def _keep(self, result: RunResult, outcomes: Outcomes) -> None:
        """Journal the end, remember the clean translations, and keep what was learned of the limits."""
        assert self.store is not None
        job = self.selection.job
        if job.uses_memory:
            memory = Memory(self.store, self.session.engine)
            memory.remember(self._to_remember(outcomes))
            self._note_units(memory)
        self.store.add_route_stats(self.tally.route_stats(self.session.engine))
        self.session.save_limits(self.store)
        self.store.finish_run(self.run_id, result.status, result.report)

    def _to_remember(self, outcomes: Outcomes) -> Iterator[Remembered]:
        brief = self.selection.brief
        seen: set[tuple[bytes, str]] = set()
        for product in self.selection.catalog:
            texts = list(cut_texts(product, self.selection.fields))
            for language in self.selection.languages:
                found = outcomes.find([(text.key, language.tag) for text in texts])
                for text in texts:
                    outcome = found.get((text.key, language.tag))
                    if outcome is None or outcome.from_memory or outcome.status is not Status.TRANSLATED:
                        continue
                    if (text.key, language.tag) in seen or not outcome.model or _flagged(outcome):
                        continue
                    seen.add((text.key, language.tag))
                    segment = Segment(text.key, text.kind, text.source, language)
                    yield Remembered(
                        key=text.key,
                        language_tag=language.tag,
                        kind=text.kind,
                        source=text.source,
                        translation=outcome.text,
                        fingerprint=brief.fingerprint(brief.prepare(segment)),
                        model=outcome.model,
                        run_id=self.run_id,
                        findings=outcome.findings,
                        product_id=product.id,
                        field=text.field,
                        item=text.item,
                    )

    def _note_units(self, memory: Memory) -> None:
        """Note which text every unit has now, so that a later change of the catalogue shows as outdated."""
        texts = (text for product in self.selection.catalog for text in cut_texts(product, self.selection.fields))
        while batch := list(islice(texts, _NOTED_AT_ONCE)):
            for language in self.selection.languages:
                memory.note_units(batch, language.tag)

    async def _keep_flushing(self, outcomes: Outcomes) -> None:
        quiet = 0
        while self.store is not None:
            await asyncio.sleep(_FLUSH_EVERY_S)
            quiet = 0 if outcomes.pending else quiet + 1
            if outcomes.pending:
                await asyncio.to_thread(outcomes.flush)
            elif quiet % 10 == 0:
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


def _outcome(item: Prepared, text: str) -> Outcome:
    return Outcome(key=item.segment.key, language_tag=item.segment.language.tag, status=Status.TRANSLATED, text=text)


def _remembered(kept: Remembered) -> Outcome:
    return Outcome(
        key=kept.key,
        language_tag=kept.language_tag,
        status=kept.status,
        text=kept.translation,
        model=kept.model,
        findings=kept.findings,
        from_memory=True,
    )


def _flagged(outcome: Outcome) -> bool:
    """Whether a check of severity error doubts the text: a person must see it before it is used again."""
    return any(f.severity == "error" for f in outcome.findings)
