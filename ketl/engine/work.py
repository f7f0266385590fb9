"""One run's share of the engine: its queues, what it may spend, and where its requests go when one fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ketl._figures import counted, dollars, duration
from ketl.engine.answers import Answers, Grade
from ketl.engine.backlog import Backlog
from ketl.engine.budget import Budget
from ketl.engine.lane_routes import LaneRoute, LaneRoutes
from ketl.engine.ports import Sender
from ketl.engine.queues import Queues
from ketl.engine.refusals import Refusals
from ketl.engine.request import LEFT, Moved, Request, estimate
from ketl.engine.retries import SPLIT_AFTER
from ketl.errors import KetlError, ModelGoneError, RunError
from ketl.language.languages import Language
from ketl.prompts.brief import Brief
from ketl.prompts.prepared import Prepared
from ketl.prompts.replies import Parsed
from ketl.provider.books import UNTOLD, Charge
from ketl.provider.lane import Lane
from ketl.provider.models import Model
from ketl.results.events import Event, Substituted
from ketl.results.waiting_words import spent_in_words

MAX_LIMIT_WAIT_S = 300.0
# A request may go once along its whole chain and so many times more before it is given up.
_SPARE_TRIES = 4
# While all that came back are refusals, so few at once find out whether there will be anything else.
_DOUBTED_IN_FLIGHT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLimits:
    """What a run may do: attempts at once (None: as many as there is room for), dollars, hedging, seconds
    that it waits for a spent limit before it calls it spent for this run."""

    max_in_flight: int | None = None
    max_cost_usd: float | None = None
    hedging: bool = True
    max_limit_wait_s: float = MAX_LIMIT_WAIT_S


class Work:
    """One run in the engine. `emit` takes its events; `drained()` returns when every request has ended.

    `run_id` is the run's number for the log.
    """

    def __init__(
        self,
        sender: Sender,
        brief: Brief,
        routes: Mapping[str, LaneRoute],
        emit: Callable[[Event], None],
        limits: WorkLimits,
        *,
        started: float,
        run_id: str = "",
    ) -> None:
        self.run_id = run_id
        self.brief = brief
        self.emit = emit
        self.started = started
        self.vtime = 0.0
        self.hedges = 0
        self.refusals = Refusals()
        self._sender = sender
        self._routes = LaneRoutes(routes)
        self._limits = limits
        self._budget = Budget(limits.max_cost_usd)
        self._queues = Queues(routes)
        self._backlog = Backlog(self._queues)
        self._answers = Answers(
            brief, self._routes, self._backlog, ask=self.put, emit=emit, started=started, run_id=run_id
        )
        self._told: set[tuple[str, str, str]] = set()
        self._tags: set[str] = set()
        self._paused = False
        self._sent = 0
        self._number = 0

    # -- feeding ------------------------------------------------------------------------------------------

    @property
    def stopped(self) -> KetlError | None:
        """The reason for which the run sends no more, None while it goes on."""
        return self._backlog.stopped

    @property
    def languages(self) -> int:
        """How many languages were put so far."""
        return len(self._tags)

    @property
    def remaining(self) -> int:
        """Requests of this run that have not ended."""
        return self._backlog.open

    async def room(self) -> None:
        """Return when the queue has room for more; a catalogue of any size passes through this window."""
        await self._backlog.room()

    def fed(self) -> None:
        """Say that nothing more will be put."""
        self._backlog.fed()

    def hold(self) -> None:
        """Count one segment that waits for another run to translate it, so that this run waits, too."""
        self._backlog.begin()

    def release(self) -> None:
        """End what `hold` began."""
        self._backlog.end()

    async def drained(self) -> None:
        """Return when all was fed and every request has ended."""
        await self._backlog.drained()

    def put(
        self,
        items: Sequence[Prepared],
        *,
        rung: int = 0,
        faults: Mapping[bytes, tuple[str, ...]] | None = None,
        tries: int = 0,
        ceiling_factor: float = 1.0,
        lane: Lane | None = None,
        moved: Moved | None = None,
    ) -> None:
        """Queue a new request of these items; one that was tried, or that repairs, goes to the front.

        `ceiling_factor` multiplies the completion ceiling; `lane` pins the request to one model, `moved` says why
        another is to answer.
        """
        language = items[0].segment.language
        self._tags.add(language.tag)
        prompt, completion = estimate(items)
        self._number += 1
        request = Request(
            self._number,
            language.group,
            language,
            tuple(items),
            prompt,
            completion,
            rung=rung,
            faults=faults or {},
            tries=tries,
            ceiling_factor=ceiling_factor,
            lane=lane,
            moved=moved,
        )
        self._backlog.begin()
        if self.stopped is not None:
            self._close(request)
        elif not self._routes.alive(request.group, self._sender.now()):
            self.give_up(request, self._nobody(language), None)
        else:
            self._push(request, front=bool(rung or tries))

    def _push(self, request: Request, *, front: bool = False) -> None:
        self._queues.push(request, front=front)
        self._sender.wake()

    def _close(self, request: Request) -> None:
        request.done = True
        self._backlog.end()

    # -- admission (asked by the dispatcher) --------------------------------------------------------------

    def next_for(self, lane: Lane, now: float) -> Request | None:
        """Return the request that this lane may send next for the run, None when there is none."""
        if self.stopped is not None or self._paused or not self._queues:
            return None
        if self._limits.max_in_flight is not None and self._backlog.in_flight >= self._limits.max_in_flight:
            return None
        if self.refusals.nothing_else and self._backlog.in_flight >= _DOUBTED_IN_FLIGHT:
            return None
        return self._queues.pick(lane, lambda group: self._routes.serving(group, now))

    def pop(self, request: Request) -> None:
        """Take a request off its queue."""
        self._queues.pop(request)
        self._backlog.look()

    def lanes_for(self, request: Request, now: float) -> list[Lane]:
        """Return the lanes that may serve a request now, another than its present ones first."""
        lanes = self._routes.serving(request.group, now)
        return sorted(lanes, key=lambda lane: lane in request.in_flight)

    def too_long(self, wait_s: float, kind: str) -> bool:
        """Whether a limit holds longer than a run waits: then it counts as spent."""
        return wait_s > self._limits.max_limit_wait_s and kind != UNTOLD

    # -- money, hedges -----------------------------------------------------------------------------------

    def affords(self, model: Model, prompt: float, ceiling: float) -> bool:
        """Whether a request of this size keeps the run under its cost cap even if all of it is used."""
        return self._budget.affords(model, prompt, ceiling)

    def cost_of(self, model: Model, tokens: tuple[int, int, int]) -> float | None:
        """Book an answer's tokens and return what it cost, None when the model's price is unknown."""
        return self._budget.spend(model, tokens)

    @property
    def busy(self) -> bool:
        """Whether attempts of this run are in flight."""
        return self._backlog.in_flight > 0

    @property
    def waiting(self) -> bool:
        """Whether requests of this run wait to be sent."""
        return bool(self._queues)

    def may_hedge(self, share: float) -> bool:
        """Whether the hedge budget, a share of the requests sent, has room."""
        return self._limits.hedging and self.stopped is None and self.hedges < max(1.0, share * self._sent)

    def sent(self, request: Request, lane: Lane, charge: Charge) -> None:
        """Take in that an attempt went out."""
        moved = request.moved or self._routes.stands_in_for(request.group, lane, self._sender.now(), self.too_long)
        if moved is not None and moved.source is not lane:
            self._tell_substitute(moved, lane)
        self._backlog.in_flight += 1
        self._sent += 1
        self._budget.reserve(lane.model, charge)

    def ended(self, request: Request, lane: Lane, charge: Charge, *, told: bool) -> None:
        """Take in that an attempt at a request is over and was acted on; `told` whether its cost is known."""
        self._backlog.in_flight -= 1
        if told:
            self._budget.release(lane.model, charge)
        else:
            self._budget.keep()
        if self.stopped is not None:
            if not request.in_flight and not request.done:
                self._close(request)
            self._backlog.look()

    # -- how requests end ----------------------------------------------------------------------------------

    def grade(self, request: Request, parsed: Parsed) -> dict[str, Grade]:
        """Return the judgement of each text of an answer by its key; may be called from any thread."""
        return self._answers.grade(request, parsed)

    def take(
        self, request: Request, parsed: Parsed, grades: Mapping[str, Grade], lane: Lane, seconds: float, now: float
    ) -> None:
        """Take the judged texts of an answer in; accept, repair, or ask again for what is missing."""
        self._answers.take(request, parsed, grades, lane, seconds, now)
        self._close(request)

    def give_up(self, request: Request, error: KetlError, lane: Lane | None) -> None:
        """End every segment of a request as failed, with the reason in words."""
        self._answers.give_up(request, str(error), lane.model.id if lane else "", self._sender.now())
        self._close(request)

    # -- what a failed attempt leads to (asked by the dispatcher) -------------------------------------------

    def put_back(self, request: Request, wait_s: float, *, front: bool = True) -> None:
        """Put a request back to the front of its queue, or to its end, after `wait_s` seconds."""
        if self.stopped is not None:
            self._close(request)
        elif request.lane is not None and request.lane.gone is not None:
            self.next_model(request, request.lane, ModelGoneError(request.lane.gone))
        elif not self._routes.alive(request.group, self._sender.now()):
            self.give_up(request, self._nobody(request.language), None)
        elif wait_s > 0.0:
            self._sender.later(wait_s, lambda: self.put_back(request, 0.0, front=front))
        else:
            self._push(request, front=front)

    def split(self, request: Request) -> None:
        """Replace a request that was too large, or in which one text spoils the others, by two halves."""
        half = (len(request.items) + 1) // 2
        for items in (request.items[:half], request.items[half:]):
            self.put(
                items,
                rung=request.rung,
                faults=request.faults,
                tries=min(request.tries, SPLIT_AFTER),
                lane=request.lane,
                moved=request.moved,
            )
        self._close(request)

    def refuses_all(self, request: Request) -> bool:
        """Whether the provider has refused whatever this run sent, so that the next model would, too."""
        return self.refusals.is_all(self._routes.length(request.group))

    def alone(self, request: Request, lane: Lane) -> bool:
        """Whether no other model than `lane` may take a request now."""
        return self._routes.after(request.group, lane, self._sender.now()) is None

    def next_model(self, request: Request, lane: Lane, error: RunError, why: str = "") -> None:
        """Move a request to the next model of its chain; fail it when there is none or all were tried.

        `why` says it of a whole lane; else it is the error's own words.
        """
        if isinstance(error, ModelGoneError) and request.lane is None:
            self.put_back(request, 0.0)
            return
        following = self._routes.after(request.group, lane, self._sender.now())
        length = self._routes.length(request.group)
        # However often the first was tried, the others of the chain are asked, too.
        if following is None or (request.moves >= length - 1 and request.tries >= length + _SPARE_TRIES):
            self.give_up(request, error, lane)
            return
        request.tries += 1
        request.moves += 1
        request.lane = following
        request.moved = Moved(lane, LEFT, why) if why else Moved.by(error, lane)
        self._push(request, front=True)

    def lane_gone(self, lane: Lane) -> None:
        """Move what waits for a lane that is gone to its successors."""
        self._leave(lane, f"the model {lane.model.id} is no longer available")

    def lane_exhausted(self, lane: Lane, kind: str, wait_s: float) -> None:
        """Move what waits for a lane whose daily limit is spent to its successors."""
        self._leave(lane, spent_in_words(lane.model.id, kind, wait_s))

    def lane_hopeless(self, lane: Lane, why: str) -> None:
        """Move what waits for a lane that brings nothing to its successors; `why` follows its name."""
        self._leave(lane, f"the model {lane.model.id} {why}")

    def _leave(self, lane: Lane, reason: str) -> None:
        now, said = self._sender.now(), reason[:1].upper() + reason[1:]
        told = False
        for group, served in self._routes.of(lane):
            if self._routes.alive(group, now):
                target = self._routes.serving(group, now)[0]
                if served and not told:
                    self._tell_substitute(Moved(lane, LEFT, said), target)
                    told = True
                continue
            for request in list(self._queues.drain_group(group)):
                self.give_up(request, RunError(_spent_words(reason)), None)
        for request in list(self._queues.drain_lane(lane)):
            self.next_model(request, lane, RunError(_spent_words(reason)), why=said)
        self._backlog.look()

    def _tell_substitute(self, moved: Moved, target: Lane) -> None:
        """Say once of a model and a kind of cause that another one serves in its place; of some texts, by which."""
        told = (moved.source.model.id, "" if moved.whole else target.model.id, moved.cause)
        if told not in self._told:
            self._told.add(told)
            self.emit(Substituted(moved.source.model.id, target.model.id, moved.reason))

    # -- stopping --------------------------------------------------------------------------------------------

    def stop(self, reason: KetlError) -> None:
        """End the run early: what is done stays, what waits or is in flight is cancelled with this reason."""
        if self.stopped is None:
            self._stop_sending(reason)
        self._sender.cancel(self)

    def pause(self, paused: bool) -> None:
        """Send nothing new while `paused`; what is in flight goes on."""
        if paused is not self._paused:
            self._paused = paused
            self._sender.wake()

    def stop_at_cost(self) -> None:
        """Send no more: the next request could cross the cost cap. What is in flight may finish."""
        cap, untold = self._budget.cap_usd or 0.0, self._budget.untold
        said = f"The cost cap of {dollars(cap)} would be crossed, so the run stopped before it."
        if untold:
            said += (
                f" The provider did not tell what {counted(untold, 'call')} cost, so the most it may be was counted."
            )
        self._stop_sending(RunError(f"{said} Raise it to go on."))

    def _stop_sending(self, reason: KetlError) -> None:
        self._backlog.stop(reason)
        for request in self._queues.drain():
            self._close(request)

    def _nobody(self, language: Language) -> RunError:
        now = self._sender.now()
        back = self._routes.back_s(language.group, now)
        if back is not None:
            return RunError(
                f"Every model for {language.name} has spent a limit or brings nothing; the next may be asked again in "
                f"{duration(back)}. Run the rest again then."
            )
        return RunError(f"No model for {language.name} is available any more. Choose another model and run again.")


def _spent_words(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}, and no other model may take this language. Run the rest again later."
