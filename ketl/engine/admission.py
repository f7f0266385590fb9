"""Who may send now: admits requests into lanes as the limits allow, and shares the lanes between runs.

One dispatcher serves all runs of one provider account on one event loop. Nothing waits in line inside a
task: a request becomes a task only when its lane has room, and `wake` is called whenever that may change.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable

from ketl._figures import duration
from ketl.engine.attempt import Attempt
from ketl.engine.attempt_words import kind_of
from ketl.engine.attempts import Attempts
from ketl.engine.hedging import Hedging
from ketl.engine.pacing import Pacing
from ketl.engine.request import Request, Size
from ketl.engine.windows import Windows
from ketl.engine.work import Work
from ketl.errors import LimitReachedError, RunError, UnreachableError
from ketl.logs import get_logger
from ketl.provider.lane import Lane
from ketl.provider.limits import MAX_IN_FLIGHT
from ketl.provider.protocol import Client
from ketl.results.crowd import Shown
from ketl.results.events import LaneClosed, LimitReached, LimitWaited
from ketl.results.waiting_words import spent_in_words

logger = get_logger(__name__)

HEDGE_SHARE = 0.03  # of the requests sent; at the late trigger this budget is hardly ever used up
_STARTS_PER_TURN = 24  # the loop reads answers between turns, so the first results come early
_SMALL_RUN_WEIGHT = 8.0
_COST_LOOK_S = 0.05
_PROOF_LOOK_S = 0.05
_LEFT_ALONE_S = 600.0  # a model that brought nothing; longer than most disturbances, shorter than a work day
_TELL_WAIT_S = 0.25  # shorter waits for a limit are the pace of a run and no news


class Dispatcher:
    """The queueing and the sending for one provider account on the running loop.

    `now` must be the loop's own clock, so that a hand-moved loop moves everything.
    """

    def __init__(self, client: Client, lanes: dict[str, Lane], *, round_trip_s: float = 0.002, seed: int = 0) -> None:
        self.lanes = lanes
        self._loop = asyncio.get_running_loop()
        self._now: Callable[[], float] = self._loop.time
        self._works: list[Work] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._turn = 0
        self._blocked: dict[str, float] = {}
        self._pump_soon = False
        trip = max(0.002, round_trip_s)
        self._windows = Windows(lanes)
        self._attempts = Attempts(
            client,
            self._windows,
            wake=self.wake,
            lane_gone=self._gone,
            lane_hopeless=self._hopeless,
            round_trip_s=trip,
            rng=random.Random(seed),
        )
        self._hedging = Hedging(
            self._loop,
            self._attempts.in_flight,
            self._windows,
            hedge=self._hedge,
            time_out=self._time_out,
            silent=self._silent,
        )
        self._pacing = Pacing(trip, self._wake_at)

    # -- runs ---------------------------------------------------------------------------------------

    def add(self, work: Work) -> None:
        """Let a run's work share the lanes from now on."""
        work.vtime = min((w.vtime for w in self._works), default=0.0)
        self._works.append(work)

    def remove(self, work: Work) -> None:
        """Forget a run that has ended."""
        if work in self._works:
            self._works.remove(work)
        self.wake()

    def cancel(self, work: object) -> None:
        """Cancel every attempt in flight of a run's work."""
        self._attempts.cancel_all(work)

    def now(self) -> float:
        """Return the loop's time in seconds."""
        return self._now()

    def wake(self) -> None:
        """Look for work to send at the next turn of the loop."""
        if not self._pump_soon:
            self._pump_soon = True
            self._loop.call_soon(self._pump)

    def later(self, wait_s: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `action` after `wait_s` seconds, unless what is returned is cancelled before."""
        return self._loop.call_later(wait_s, action)

    def _wake_at(self, at: float) -> None:
        if self._timer is not None:
            if self._timer_at <= at and self._timer_at > self._now():
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()

    def shown(self) -> dict[str, Shown]:
        """Return what the answers show of how each model's server works."""
        return {name: self._windows.shown(lane) for name, lane in self.lanes.items()}

    # -- admission ------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Send what may be sent; a fault of ours here ends the runs with a reason instead of hanging them."""
        self._pump_soon = False
        try:
            self._admit()
        except Exception as failure:
            reason = RunError(
                f"The run stopped on an internal error ({type(failure).__name__}); what was done is kept."
            )
            for work in list(self._works):
                logger.exception("run %s request -: admission failed, so the run stops", work.run_id)
                work.stop(reason)

    def _admit(self) -> None:
        now = self._now()
        lanes = [lane for lane in self.lanes.values() if lane.gone is None]
        if not lanes or not self._works:
            return
        # Every turn begins with another lane, so that none starves when the connections are short.
        self._turn += 1
        first = self._turn % len(lanes)
        started = 0
        for lane in lanes[first:] + lanes[:first]:
            while len(self._attempts.in_flight) < MAX_IN_FLIGHT and self._windows.room(lane):
                if started >= _STARTS_PER_TURN:
                    self.wake()
                    return
                found = self._next(lane, now)
                if found is None:
                    break
                wait_s = self._try_admit(*found, lane, now)
                if wait_s > 0.0:
                    self._wake_at(now + wait_s)
                    break
                started += 1

    def _next(self, lane: Lane, now: float) -> tuple[Work, Request] | None:
        """Return the run that sends next in this lane, and its request: the least served, small remainders first."""
        if lane.exhausted_until > now:
            return None
        if not lane.open_at(now):
            if lane.closed_until > now:
                self._wake_at(lane.closed_until)
            return None
        least: tuple[Work, Request] | None = None
        for work in self._works:
            if least is None or work.vtime < least[0].vtime:
                request = work.next_for(lane, now)
                if request is not None:
                    least = (work, request)
        return least

    def _try_admit(self, work: Work, request: Request, lane: Lane, now: float) -> float:
        """Send a run's request in this lane, or return the seconds until it may be sent."""
        size = _size(request, lane)
        prompt, ceiling = size.prompt, size.ceiling
        if prompt + request.completion_est > lane.model.context_tokens:
            self._too_large(work, request, lane, prompt + request.completion_est)
            return 0.0
        if len(request.items) > 1 and request.completion_est > lane.model.max_completion_tokens:
            work.pop(request)
            work.split(request)
            return 0.0
        if not lane.credit.lends(size.lent):
            return self._lent_no_more(request, lane)
        wait_s, kind = lane.books.delay(prompt, ceiling, now)
        if math.isinf(wait_s) and not lane.books.proven:
            # Larger than a limit that is only assumed: once nothing else is under way, the provider may say.
            wait_s = _PROOF_LOOK_S if lane.in_flight else 0.0
        if wait_s > 0.0 and not self._pacing.goes_beyond(lane, kind, now):
            if math.isinf(wait_s):
                self._too_large(work, request, lane, prompt + ceiling)
                return 0.0
            return self._held_back(work, request, lane, wait_s, kind, now)
        wait_s = self._pacing.wait_s(lane, now)
        if wait_s > 0.0:
            return wait_s
        if not work.affords(lane.model, prompt, ceiling):
            if not work.busy:
                work.stop_at_cost()
            return _COST_LOOK_S  # what is in flight may take less than was set aside for it
        since = self._blocked.pop(lane.model.id, None)
        if since is not None and now > since:
            work.emit(LimitWaited(lane.model.id, now - since))
        work.pop(request)
        weight = _SMALL_RUN_WEIGHT if work.remaining <= min(w.remaining for w in self._works) else 1.0
        work.vtime += 1.0 / weight
        self._attempts.start(work, request, lane, size, now, kind_of(request.rung, request.tries, request.refusals))
        self._hedging.begin()
        return 0.0

    def _held_back(self, work: Work, request: Request, lane: Lane, wait_s: float, kind: str, now: float) -> float:
        """Take in that a limit holds a lane back; return the seconds after which to look again."""
        if work.too_long(wait_s, kind):
            said = "run %s request %s: the %s limit of %s is spent for %.0f s"
            logger.warning(said, work.run_id, request.number, kind, lane.model.id, wait_s)
            lane.leave(now + wait_s, spent_in_words(lane.model.id, kind, wait_s))
            for other in list(self._works):
                other.lane_exhausted(lane, kind, wait_s)
            return 1e-3
        if lane.model.id not in self._blocked:
            self._blocked[lane.model.id] = now
            if wait_s > _TELL_WAIT_S and lane.books.proven:
                work.emit(LimitReached(lane.model.id, kind, wait_s, False))
        return wait_s

    def _lent_no_more(self, request: Request, lane: Lane) -> float:
        """Act on a request that needs more room than its lane is lent; return the seconds after which to look again."""
        if lane.credit.lent:
            return _PROOF_LOOK_S  # what is under way tells whether the room helps
        lane.tokens.forget_widening(request.language.tag)
        request.ceiling_factor = 1.0
        return _PROOF_LOOK_S

    def _too_large(self, work: Work, request: Request, lane: Lane, tokens: float) -> None:
        """Act on a request that this lane's limits can never hold, without asking the provider first."""
        error = LimitReachedError(
            f"This text is too long for the limits of {lane.model.id} (about {tokens:,.0f} tokens). "
            "Shorten it, or use a plan with higher limits.",
            too_large=True,
            model=lane.model.id,
        )
        work.pop(request)
        if len(request.items) > 1:
            work.split(request)
        else:
            work.next_model(request, lane, error)

    def _gone(self, lane: Lane, reason: str) -> None:
        """Take in that a model is gone, for the reason that the provider gave."""
        lane.gone = reason
        for work in list(self._works):
            work.lane_gone(lane)

    def _hopeless(self, lane: Lane, why: str) -> None:
        """Leave a model alone for a while, for what it did."""
        logger.warning("run - request -: %s %s", lane.model.id, why)
        lane.leave(self._now() + _LEFT_ALONE_S, f"the model {lane.model.id} {why}")
        for work in list(self._works):
            work.lane_hopeless(lane, why)

    # -- late attempts ------------------------------------------------------------------------------------

    def _hedge(self, attempt: Attempt) -> None:
        """Send a late request a second time, in another lane if one is free, within the budget.

        At the end of a run, when nothing else waits, it is sent twice while half of the budget is left: the sooner of
        two comes on average in two thirds of the time, and everybody waits for it.
        """
        if self._hedge_once(attempt) and not attempt.work.waiting and attempt.work.may_hedge(HEDGE_SHARE / 2):
            self._hedge_once(attempt)

    def _hedge_once(self, attempt: Attempt) -> bool:
        work, request, now = attempt.work, attempt.request, self._now()
        if not work.may_hedge(HEDGE_SHARE) or len(self._attempts.in_flight) >= MAX_IN_FLIGHT:
            return False
        for lane in work.lanes_for(request, now):
            if not lane.open_at(now) or lane.exhausted_until > now:
                continue
            size = _size(request, lane)
            if not lane.credit.lends(size.lent):
                continue
            prompt, ceiling = size.prompt, size.ceiling
            if lane.books.delay(prompt, ceiling, now)[0] <= 0.0 and work.affords(lane.model, prompt, ceiling):
                request.hedged = True
                work.hedges += 1
                self._attempts.start(work, request, lane, size, now, "hedge")
                return True
        return False

    def _time_out(self, attempt: Attempt) -> None:
        """Give an attempt up that outlived its deadline."""
        self._attempts.cancel(attempt, "timeout")

    def _silent(self, lane: Lane, silent_s: float) -> None:
        """Take in that a lane answers no more: leave it alone for a while, or end the runs if nothing ever answered."""
        logger.warning("run - request -: %s has not answered for %.0f s", lane.model.id, silent_s)
        now = self._now()
        lane.close_for_a_while(now, "did not answer in time")
        for work in self._works:
            work.emit(LaneClosed(lane.model.id, lane.closed_for, lane.closed_until - now))
        if self._windows.server.answers:
            return
        reason = UnreachableError(
            f"The provider takes the requests but has answered none in {duration(silent_s)}. "
            "See whether it works (its status page, its own log), then run again.",
            timed_out=True,
        )
        for work in list(self._works):
            work.stop(reason)


def _size(request: Request, lane: Lane) -> Size:
    """Return what a request is booked with in this lane."""
    tag, expected = request.language.tag, request.completion_est
    ceiling = lane.ceiling(tag, expected, request.ceiling_factor)
    return Size(request.prompt_est * lane.tokens.prompt, ceiling, lane.beyond(tag, expected, ceiling))
