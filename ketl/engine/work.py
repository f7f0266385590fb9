"""One run's share of the engine: its queues, what it may spend, and what becomes of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ketl._figures import dollars, duration
from ketl.engine.budget import Purse
from ketl.engine.lane_routes import LaneRoute, LaneRoutes
from ketl.engine.queues import Queues
from ketl.engine.repair_ladder import Ladder
from ketl.engine.request import Attempt, Request, estimate
from ketl.errors import KetlError, ModelGoneError, RunError
from ketl.language.languages import Language
from ketl.prompts.brief import Brief
from ketl.prompts.prepared import Prepared
from ketl.prompts.replies import Parsed
from ketl.provider.models import Model
from ketl.results.events import Ended, Event, Substituted
from ketl.results.outcome import Outcome, Status

if TYPE_CHECKING:
    from ketl.engine.dispatcher import Dispatcher
    from ketl.provider.lane import Lane

MAX_LIMIT_WAIT_S = 300.0
_QUEUE_HIGH = 1_200
_QUEUE_LOW = 600
_LEFT_OUT_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLimits:
    """What a run may do: attempts at once (None: as many as there is room for), dollars, hedging, seconds
    that it waits for a spent limit before it calls it spent for this run."""

    max_in_flight: int | None = None
    max_cost_usd: float | None = None
    hedging: bool = True
    max_limit_wait_s: float = MAX_LIMIT_WAIT_S


class Work:
    """One run in the engine. `emit` takes its events; `drained()` returns when every request has ended."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        brief: Brief,
        routes: Mapping[str, LaneRoute],
        emit: Callable[[Event], None],
        limits: WorkLimits,
        *,
        started: float,
    ) -> None:
        self.brief = brief
        self.emit = emit
        self.started = started
        self.vtime = 0.0
        self.hedges = 0
        self.stopped: KetlError | None = None
        self._dispatcher = dispatcher
        self._routes = LaneRoutes(routes)
        self._limits = limits
        self._ladder = Ladder(emit)
        self._purse = Purse(limits.max_cost_usd)
        self._queues = Queues(routes)
        self._open = 0
        self._fed = False
        self._in_flight = 0
        self._sent = 0
        self._number = 0
        self._changed = asyncio.Event()

    # -- intake -----------------------------------------------------------------------------------------

    @property
    def remaining(self) -> int:
        """Requests of this run that have not ended."""
        return self._open

    async def room(self) -> None:
        """Return when the queue has room for more; a catalogue of any size passes through this window."""
        if len(self._queues) >= _QUEUE_HIGH:
            while len(self._queues) > _QUEUE_LOW and self.stopped is None:
                self._changed.clear()
                await self._changed.wait()

    def fed(self) -> None:
        """Say that the intake has ended."""
        self._fed = True
        self._notify()

    def hold(self) -> None:
        """Count one segment that waits for another run to translate it, so that this run waits, too."""
        self._open += 1

    def release(self) -> None:
        """End what `hold` began."""
        self._open -= 1
        self._notify()

    async def drained(self) -> None:
        """Return when the intake has ended and every request has, too."""
        while not (self._fed and self._open == 0) and not (self.stopped is not None and self._in_flight == 0):
            self._changed.clear()
            await self._changed.wait()

    def put(
        self,
        items: Sequence[Prepared],
        *,
        rung: int = 0,
        faults: Mapping[bytes, tuple[str, ...]] | None = None,
        tries: int = 0,
        room: float = 1.0,
        lane: Lane | None = None,
    ) -> None:
        """Queue a new request of these items; one that was tried, or that repairs, goes to the front.

        `room` multiplies the completion ceiling; `lane` pins the request to one model.
        """
        language = items[0].segment.language
        prompt, completion = estimate(items)
        self._number += 1
        request = Request(
            self._number,
            self,
            language.group,
            language,
            tuple(items),
            prompt,
            completion,
            rung=rung,
            faults=faults or {},
            tries=tries,
            room=room,
            lane=lane,
        )
        self._open += 1
        if self.stopped is not None:
            self._close(request)
        elif not self._routes.alive(request.group, self._dispatcher.now()):
            self.give_up(request, self._nobody(language), None)
        else:
            self._push(request, front=bool(rung or tries))

    def _push(self, request: Request, *, front: bool = False) -> None:
        self._queues.push(request, front=front)
        self._dispatcher.wake()

    def _notify(self) -> None:
        self._changed.set()

    # -- admission (asked by the dispatcher) --------------------------------------------------------------

    def ready_for(self, lane: Lane, now: float) -> bool:
        """Whether the run has a request that this lane may send now; remembers where it stands."""
        if self.stopped is not None or not self._queues:
            return False
        if self._limits.max_in_flight is not None and self._in_flight >= self._limits.max_in_flight:
            return False
        return self._queues.pick(lane, lambda group: self._routes.serving(group, now))

    def peek(self) -> Request:
        """Return the request that `ready_for` found."""
        return self._queues.peek()

    def pop(self) -> None:
        """Take the request that `peek` showed off its queue."""
        self._queues.pop()
        if len(self._queues) <= _QUEUE_LOW:
            self._notify()

    def lanes_for(self, request: Request, now: float) -> list[Lane]:
        """Return the lanes that may serve a request now, another than its present ones first."""
        used = {attempt.lane.model.id for attempt in request.attempts}
        lanes = self._routes.serving(request.group, now)
        return sorted(lanes, key=lambda lane: lane.model.id in used)

    def too_long(self, wait_s: float, kind: str) -> bool:
        """Whether a limit holds longer than a run waits: then it counts as spent."""
        return wait_s > self._limits.max_limit_wait_s and kind != "PAUSE"

    # -- money, hedges -----------------------------------------------------------------------------------

    def affords(self, model: Model, prompt: float, ceiling: float) -> bool:
        """Whether a request of this size keeps the run under its cost cap even if all of it is used."""
        return self._purse.affords(model, prompt, ceiling)

    def cost_of(self, model: Model, tokens: tuple[int, int, int]) -> float | None:
        """Book an answer's tokens and return what it cost, None when the model's price is unknown."""
        return self._purse.spend(model, tokens)

    @property
    def busy(self) -> bool:
        """Whether attempts of this run are in flight."""
        return self._in_flight > 0

    def may_hedge(self, share: float) -> bool:
        """Whether the hedge budget, a share of the requests sent, has room."""
        return self._limits.hedging and self.stopped is None and self.hedges < max(1.0, share * self._sent)

    def sent(self, request: Request, attempt: Attempt) -> None:
        """Take in that an attempt went out."""
        self._in_flight += 1
        self._sent += 1
        self._purse.reserve(attempt)

    def ended(self, attempt: Attempt) -> None:
        """Take in that an attempt is over, however it ended."""
        self._in_flight -= 1
        if self.stopped is not None:
            self._notify()
        self._purse.release(attempt)
        if self.stopped is not None and not attempt.request.attempts and not attempt.request.done:
            self._close(attempt.request)

    # -- answers -------------------------------------------------------------------------------------------

    def take(self, request: Request, parsed: Parsed, lane: Lane, seconds: float, now: float) -> None:
        """Judge the texts of an answer; accept, repair, or ask again for what is missing."""
        left_out: list[Prepared] = []
        repairs: list[Prepared] = []
        for key, item in zip(request.keys, request.items, strict=True):
            answer = parsed.texts.get(key)
            if answer is None:
                left_out.append(item)
                continue
            try:
                text, findings = self.brief.judge.grade(item, answer)
            except Exception as fault:  # a bug of one check on one odd text costs that text, not the pack
                reason = f"The checks stumbled over this text ({type(fault).__name__}). Run it again, or report it."
                self._end(_failed(item, reason, lane.model.id), now)
                continue
            outcome = self._ladder.judge(request, item, text, findings, lane.model.id, seconds)
            if outcome is None:
                repairs.append(item)
            else:
                self._end(outcome, now)
        if left_out:
            self._ask_again(request, left_out, lane, parsed)
        self._climb([(item, request.rung) for item in repairs], request.group, lane, now)
        self._climb_ripe(now)
        self._close(request)

    def _ask_again(self, request: Request, left_out: list[Prepared], lane: Lane, parsed: Parsed) -> None:
        tries = request.tries + 1
        if tries > 2 * _LEFT_OUT_TRIES:
            reason = "The models left this text out of their answers several times. Run it again, or shorten it."
            now = self._dispatcher.now()
            for item in left_out:
                self._ladder.unanswered(request, item)
                kept = self._ladder.top(item) if self._ladder.has_draft(item) else None
                self._end(kept or _failed(item, reason, lane.model.id), now)
            return
        target = request.lane
        if tries >= _LEFT_OUT_TRIES:
            target = self._routes.after(request.group, lane, self._dispatcher.now()) or target
        # Fewer at a time, since what broke a pack may be its length.
        half = max(1, (len(left_out) + 1) // 2) if len(left_out) == len(request.items) else len(left_out)
        for start in range(0, len(left_out), half):
            self.put(
                left_out[start : start + half],
                rung=request.rung,
                faults=request.faults,
                tries=tries,
                room=request.room * 2.0 if parsed.cut_off else request.room,
                lane=target,
            )

    def _climb(self, items: Sequence[tuple[Prepared, int]], group: str, lane: Lane, now: float) -> None:
        """Send items with a fault up a rung of the repair ladder, those of one rung in one request."""
        by_rung: dict[int, list[Prepared]] = {}
        for item, rung in items:
            step = None if self.stopped is not None else self._ladder.next_rung(item, rung)
            if step is None:
                self._end(self._ladder.top(item), now)
            elif step == 0:
                self.hold()
            else:
                by_rung.setdefault(step, []).append(item)
        for step, climbing in by_rung.items():
            target = lane if step == 1 else self._routes.after(group, lane, now)
            if target is None or target.gone is not None:
                for item in climbing:
                    self._ladder.impossible(item)
                    self._end(self._ladder.top(item), now)
                continue
            faults = {item.segment.key: self._ladder.faults(item) for item in climbing}
            self.put(climbing, rung=step, faults=faults, lane=target)

    def _climb_ripe(self, now: float) -> None:
        while ripe := self._ladder.ripe():
            for item, rung in ripe:
                group = item.segment.language.group
                lanes = self._routes.serving(group, now)
                if lanes:
                    self._climb([(item, rung)], group, lanes[0], now)
                else:
                    self._end(self._ladder.top(item), now)
                self.release()

    def _end(self, outcome: Outcome, now: float) -> None:
        self.emit(Ended(outcome, now - self.started))

    def _close(self, request: Request) -> None:
        request.done = True
        self._open -= 1
        if self._open == 0 or len(self._queues) <= _QUEUE_LOW:
            self._notify()

    # -- what a failed attempt leads to (asked by the dispatcher) -------------------------------------------

    def put_back(self, request: Request, wait_s: float) -> None:
        """Put a request back to the front of its queue, after `wait_s` seconds."""
        if self.stopped is not None:
            self._close(request)
        elif request.lane is not None and request.lane.gone is not None:
            self.next_model(request, request.lane, ModelGoneError(request.lane.gone))
        elif not self._routes.alive(request.group, self._dispatcher.now()):
            self.give_up(request, self._nobody(request.language), None)
        elif wait_s > 0.0:
            self._dispatcher.later(wait_s, lambda: self.put_back(request, 0.0))
        else:
            self._push(request, front=True)

    def split(self, request: Request) -> None:
        """Replace a request that was too large by two halves."""
        half = (len(request.items) + 1) // 2
        for items in (request.items[:half], request.items[half:]):
            self.put(items, rung=request.rung, faults=request.faults, tries=request.tries, lane=request.lane)
        self._close(request)

    def next_model(self, request: Request, lane: Lane, error: RunError) -> None:
        """Move a request to the next model of its chain; fail it when there is none or all were tried."""
        if isinstance(error, ModelGoneError) and request.lane is None:
            self.put_back(request, 0.0)
            return
        following = self._routes.after(request.group, lane, self._dispatcher.now())
        if following is None or request.tries >= self._routes.length(request.group) + 4:
            self.give_up(request, error, lane)
            return
        request.tries += 1
        request.lane = following
        self._push(request, front=True)

    def give_up(self, request: Request, error: KetlError, lane: Lane | None) -> None:
        """End every segment of a request as failed, with the reason in words."""
        now = self._dispatcher.now()
        model = lane.model.id if lane else ""
        for item in request.items:
            self._ladder.unanswered(request, item)
            self._end(self._ladder.top(item) if self._ladder.has_draft(item) else _failed(item, str(error), model), now)
        self._climb_ripe(now)
        self._close(request)

    def lane_gone(self, lane: Lane, reason: str) -> None:
        """Move what waits for a lane that is gone to its successors."""
        self._leave(lane, f"the model {lane.model.id} is no longer available")

    def lane_exhausted(self, lane: Lane, kind: str, wait_s: float, now: float) -> None:
        """Move what waits for a lane whose daily limit is spent to its successors."""
        self._leave(lane, f"the {kind} limit of {lane.model.id} is spent; it returns in {duration(wait_s)}")

    def _leave(self, lane: Lane, reason: str) -> None:
        now = self._dispatcher.now()
        told = False
        for group, served in self._routes.of(lane):
            if self._routes.alive(group, now):
                target = self._routes.serving(group, now)[0]
                if served and not told:
                    self.emit(Substituted(lane.model.id, target.model.id, reason[:1].upper() + reason[1:]))
                    told = True
                continue
            for request in list(self._queues.drain_group(group)):
                self.give_up(request, RunError(_spent_words(reason)), None)
        for request in list(self._queues.drain_lane(lane)):
            self.next_model(request, lane, RunError(_spent_words(reason)))
        self._notify()

    # -- stopping --------------------------------------------------------------------------------------------

    def stop(self, reason: KetlError) -> None:
        """End the run early: what is done stays, what waits or is in flight is cancelled with this reason."""
        if self.stopped is None:
            self._stop_sending(reason)
        self._dispatcher.cancel(self)

    def stop_at_cost(self) -> None:
        """Send no more: the next request could cross the cost cap. What is in flight may finish."""
        cap = self._purse.cap_usd or 0.0
        reason = RunError(
            f"The cost cap of {dollars(cap)} would be crossed, so the run stopped before it. Raise it to go on."
        )
        self._stop_sending(reason)

    def _stop_sending(self, reason: KetlError) -> None:
        self.stopped = reason
        for request in self._queues.drain():
            self._close(request)
        self._notify()

    def _nobody(self, language: Language) -> RunError:
        now = self._dispatcher.now()
        back = self._routes.back_s(language.group, now)
        if back is not None:
            return RunError(
                f"The day's limit of every model for {language.name} is spent; "
                f"the first returns in {duration(back)}. Run the rest again then."
            )
        return RunError(f"No model for {language.name} is available any more. Choose another model and run again.")


def _spent_words(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}, and no other model may take this language. Run the rest again later."


def _failed(item: Prepared, reason: str, model: str) -> Outcome:
    segment = item.segment
    return Outcome(
        key=segment.key,
        language_tag=segment.language.tag,
        status=Status.FAILED,
        reason=reason,
        model=model,
        kind=segment.kind,
    )
