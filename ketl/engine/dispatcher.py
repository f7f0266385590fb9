"""Admits requests into lanes as the limits allow, shares lanes between runs, and minds the attempts in flight.

One dispatcher serves all runs of one provider account on one event loop. Nothing waits in line inside a
task: a request becomes a task only when its lane has room, and `pump` is called whenever that may change.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable

from ketl.engine.attempt_words import is_capacity, kind_of, status_of
from ketl.engine.hedging import Watch
from ketl.engine.pacing import Pacing
from ketl.engine.request import Attempt, Request
from ketl.engine.retries import Action, decide
from ketl.engine.work import Work
from ketl.errors import (
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RefusedError,
    RunError,
    UnreachableError,
    UnusableReplyError,
)
from ketl.prompts.replies import parse_reply
from ketl.provider.lane import Lane
from ketl.provider.limits import MAX_IN_FLIGHT
from ketl.provider.protocol import Client, Reply
from ketl.results.events import Admitted, Answered, LimitReached, LimitWaited

_STARTS_PER_TURN = 24  # the loop reads answers between turns, so the first results come early
HEDGE_SHARE = 0.03  # of the requests sent; at the late trigger this budget is hardly ever used up
_SMALL_RUN_WEIGHT = 8.0
_COST_LOOK_S = 0.05
_PROOF_LOOK_S = 0.05


class Dispatcher:
    """The queueing and the sending for one provider account on the running loop.

    `now` must be the loop's own clock, so that a hand-moved loop moves everything.
    """

    def __init__(self, client: Client, lanes: dict[str, Lane], *, round_trip_s: float = 0.002, seed: int = 0) -> None:
        self._client = client
        self.lanes = lanes
        self._loop = asyncio.get_running_loop()
        self._now: Callable[[], float] = self._loop.time
        self._works: list[Work] = []
        self._attempts: set[Attempt] = set()
        self._rng = random.Random(seed)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._watch = Watch(self._loop, self._attempts, self.hedge, self.time_out)
        self._turn = 0
        self._blocked: dict[str, float] = {}
        self._pump_soon = False
        self.round_trip_s = max(0.002, round_trip_s)
        self._pacing = Pacing(self.round_trip_s, self._wake_at)

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

    def cancel(self, work: Work, requests: Iterable[Request] | None = None) -> None:
        """Cancel a run's attempts in flight (all, or those of some requests)."""
        chosen = None if requests is None else set(map(id, requests))
        for attempt in list(self._attempts):
            if attempt.request.work is work and (chosen is None or id(attempt.request) in chosen):
                self._cancel(attempt, "cancelled")

    def now(self) -> float:
        """Return the loop's time in seconds."""
        return self._now()

    def wake(self) -> None:
        """Look for work to send at the next turn of the loop."""
        if not self._pump_soon:
            self._pump_soon = True
            self._loop.call_soon(self._pump)

    def later(self, wait_s: float, action: Callable[[], None]) -> None:
        """Call `action` after `wait_s` seconds."""
        self._loop.call_later(wait_s, action)

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
            while len(self._attempts) < MAX_IN_FLIGHT:
                if started >= _STARTS_PER_TURN:
                    self.wake()
                    return
                work = self._next_work(lane, now)
                if work is None:
                    break
                wait_s = self._try_admit(work, lane, now)
                if wait_s > 0.0:
                    self._wake_at(now + wait_s)
                    break
                started += 1

    def _next_work(self, lane: Lane, now: float) -> Work | None:
        """Return the run that sends next in this lane: the least served, small remainders first."""
        if lane.exhausted_until > now:
            return None
        if not lane.open_at(now):
            if lane.closed_until > now:
                self._wake_at(lane.closed_until)
            return None
        ready = [work for work in self._works if work.ready_for(lane, now)]
        if len(ready) <= 1:
            return ready[0] if ready else None
        return min(ready, key=lambda work: work.vtime)

    def _try_admit(self, work: Work, lane: Lane, now: float) -> float:
        """Send the run's next request for this lane, or return the seconds until it may be sent."""
        request = work.peek()
        prompt, ceiling = self._size(request, lane)
        if prompt + request.completion_est > lane.model.context_tokens:
            work.pop()
            self._too_large(request, lane, prompt + request.completion_est)
            return 0.0
        wait_s, kind = lane.books.delay(prompt, ceiling, now)
        if math.isinf(wait_s) and not lane.books.proven:
            # Larger than a limit that is only assumed: once nothing else is under way, the provider may say.
            wait_s = _PROOF_LOOK_S if lane.in_flight else 0.0
        if wait_s > 0.0 and not self._pacing.goes_beyond(lane, kind, now):
            if math.isinf(wait_s):
                work.pop()
                self._too_large(request, lane, prompt + ceiling)
                return 0.0
            if work.too_long(wait_s, kind):
                self._exhausted(request, lane, wait_s, kind, now)
                return 1e-3
            if lane.model.id not in self._blocked:
                self._blocked[lane.model.id] = now
                if wait_s > 0.25 and lane.books.proven:
                    work.emit(LimitReached(lane.model.id, kind, wait_s, False))
            return wait_s
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
        work.pop()
        weight = _SMALL_RUN_WEIGHT if work.remaining <= min(w.remaining for w in self._works) else 1.0
        work.vtime += 1.0 / weight
        self._start(request, lane, prompt, ceiling, now, kind_of(request))
        return 0.0

    def _too_large(self, request: Request, lane: Lane, tokens: float) -> None:
        """Act on a request that this lane's limits can never hold, without asking the provider first."""
        error = LimitReachedError(
            f"This text is too long for the limits of {lane.model.id} (about {tokens:,.0f} tokens). "
            "Shorten it, or use a plan with higher limits.",
            too_large=True,
            model=lane.model.id,
        )
        if len(request.items) > 1:
            request.work.split(request)
        else:
            request.work.next_model(request, lane, error)

    def _size(self, request: Request, lane: Lane) -> tuple[float, int]:
        prompt = request.prompt_est * lane.tokens.prompt
        ceiling = lane.ceiling(request.language.tag, request.completion_est)
        if request.room != 1.0:
            ceiling = min(int(ceiling * request.room), lane.model.max_completion_tokens)
        return prompt, ceiling

    def _start(self, request: Request, lane: Lane, prompt: float, ceiling: int, now: float, kind: str) -> None:
        work = request.work
        attempt = Attempt(request, lane, lane.books.charge(prompt, ceiling, now), ceiling, now, kind)
        request.attempts.append(attempt)
        self._attempts.add(attempt)
        lane.in_flight += 1
        lane.sent += 1
        work.sent(request, attempt)
        name = lane.model.id
        work.emit(Admitted(request.number, name, now - work.started, not request.models, name not in request.models))
        request.models.add(name)
        attempt.task = self._loop.create_task(self._run(attempt))
        self._watch.begin()

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

    # -- one attempt ------------------------------------------------------------------------------------

    async def _run(self, attempt: Attempt) -> None:
        attempt.begun = True
        request = attempt.request
        reply: Reply | None = None
        error: RunError | None = None
        try:
            reply = await self._client.complete(
                request.work.brief.call(
                    request.items, request.language, attempt.lane.model, attempt.ceiling, request.faults
                )
            )
        except RunError as failure:
            error = failure
        except asyncio.CancelledError:
            attempt.ended = attempt.ended or "cancelled"
        except Exception as failure:  # a fault of ours must fail one request, not hang the run
            error = _internal(failure, attempt.lane)
        try:
            self._over(attempt, reply, error)
        except Exception as failure:  # a fault of ours must fail one request, not hang the run
            if not request.done:
                request.work.give_up(request, _internal(failure, attempt.lane), attempt.lane)
            self.wake()

    def _over(self, attempt: Attempt, reply: Reply | None, error: RunError | None) -> None:
        """Take an attempt that is over out of the books of what is in flight, and act on how it ended."""
        request, lane, now = attempt.request, attempt.lane, self._now()
        self._attempts.discard(attempt)
        request.attempts.remove(attempt)
        lane.in_flight -= 1
        lane.books.over(attempt.charge)
        if attempt.ended == "timeout":
            error = UnreachableError("The provider did not answer in time.", timed_out=True, model=lane.model.id)
        try:
            if reply is not None:
                self._answered(attempt, reply, now)
            elif error is not None:
                self._failed(attempt, error, now)
            else:
                self._report(attempt, attempt.ended, now, (0, 0, 0))
        finally:
            request.work.ended(attempt)
            self.wake()

    def _answered(self, attempt: Attempt, reply: Reply, now: float) -> None:
        request, lane = attempt.request, attempt.lane
        work, seconds = request.work, now - attempt.started
        lane.succeeded()
        lane.books.settle(attempt.charge, reply.prompt_tokens, reply.completion_tokens, now)
        lane.books.observe(reply.limits, attempt.charge, now)
        predicted = lane.times.predict(request.completion_est)
        lane.times.learn(request.completion_est, seconds)
        tag = request.language.tag
        if reply.prompt_tokens is not None and reply.completion_tokens is not None:
            lane.tokens.learn(
                tag, request.prompt_est, reply.prompt_tokens, request.completion_est, reply.completion_tokens
            )
        if reply.finish_reason == "length":
            lane.tokens.cut_off(tag)
        tokens = (reply.prompt_tokens or 0, reply.completion_tokens or 0, reply.cached_tokens)
        parsed = parse_reply(reply.content, request.keys, reply.finish_reason)
        status = "200" if parsed.texts else "unusable"
        service_s = lane.service_seconds(seconds, reply.service_s, self.round_trip_s)
        self._report(attempt, status, now, tokens, predicted, service_s)
        if request.done:
            return
        if not parsed.texts and not parsed.cut_off:
            self._again(attempt, UnusableReplyError("The model's answer held no translation.", model=lane.model.id))
            return
        for sibling in list(request.attempts):
            self._cancel(sibling, "superseded")
        work.take(request, parsed, lane, seconds, now)

    def _failed(self, attempt: Attempt, error: RunError, now: float) -> None:
        request, lane = attempt.request, attempt.lane
        status = status_of(error)
        self._report(attempt, status, now, (0, 0, 0))
        if isinstance(error, LimitReachedError) and error.kind != "CAPACITY":
            lane.books.refused(error, attempt.charge, now)
            request.refusals += 1
            if not error.too_large:
                request.work.emit(LimitReached(lane.model.id, error.kind or "", error.wait_s or 0.0, True))
        elif isinstance(error, ModelGoneError):
            lane.books.give_back(attempt.charge, now)
            self._close(lane, str(error))
        else:
            if not isinstance(error, UnreachableError):
                lane.books.give_back(attempt.charge, now)
            if isinstance(error, (ProviderError, UnreachableError)) and attempt.ended != "superseded":
                lane.failed(now)
        if isinstance(error, RefusedError) and lane.goes_without(error.code or "", attempt.started, now):
            if not request.done and not request.attempts:
                request.work.put_back(request, 0.0)
        elif not request.done:
            self._again(attempt, error)

    def _again(self, attempt: Attempt, error: RunError) -> None:
        """Decide what becomes of a request whose attempt failed; a sibling still in flight decides first."""
        request, lane = attempt.request, attempt.lane
        if request.attempts:
            return
        if not isinstance(error, (LimitReachedError, ModelGoneError)) or is_capacity(error):
            request.tries += 1
        decision = decide(
            error,
            tries=request.tries,
            refusals=request.refusals,
            segments=len(request.items),
            rng=self._rng,
        )
        work = request.work
        request.hedged = False
        match decision.action:
            case Action.AGAIN:
                work.put_back(request, decision.wait_s)
            case Action.SPLIT:
                work.split(request)
            case Action.NEXT_MODEL:
                work.next_model(request, lane, error)
            case Action.STOP:
                work.stop(error)
            case Action.FAIL:
                work.give_up(request, error, lane)

    def _report(
        self,
        attempt: Attempt,
        status: str,
        now: float,
        tokens: tuple[int, int, int],
        predicted_s: float | None = None,
        service_s: float = 0.0,
    ) -> None:
        request, lane = attempt.request, attempt.lane
        if predicted_s is None:
            predicted_s = lane.times.predict(request.completion_est)
        request.work.emit(
            Answered(
                request.number,
                lane.model.id,
                request.language.tag,
                attempt.started - request.work.started,
                now - attempt.started,
                status,
                attempt.kind,
                len(request.items),
                tokens,
                request.work.cost_of(lane.model, tokens),
                predicted_s,
                service_s,
            )
        )

    # -- lanes that close ---------------------------------------------------------------------------------

    def _close(self, lane: Lane, reason: str) -> None:
        if lane.gone is None:
            lane.gone = reason
            for work in list(self._works):
                work.lane_gone(lane, reason)

    def _exhausted(self, request: Request, lane: Lane, wait_s: float, kind: str, now: float) -> None:
        lane.exhausted_until = now + wait_s
        for work in list(self._works):
            work.lane_exhausted(lane, kind, wait_s, now)

    # -- late attempts ------------------------------------------------------------------------------------

    def hedge(self, attempt: Attempt) -> None:
        """Send a late request a second time, in another lane if one is free, within the budget."""
        request, now = attempt.request, self._now()
        work = request.work
        if not work.may_hedge(HEDGE_SHARE) or len(self._attempts) >= MAX_IN_FLIGHT:
            return
        for lane in work.lanes_for(request, now):
            if not lane.open_at(now) or lane.exhausted_until > now:
                continue
            prompt, ceiling = self._size(request, lane)
            if lane.books.delay(prompt, ceiling, now)[0] <= 0.0 and work.affords(lane.model, prompt, ceiling):
                request.hedged = True
                work.hedges += 1
                self._start(request, lane, prompt, ceiling, now, "hedge")
                return

    def time_out(self, attempt: Attempt) -> None:
        """Give an attempt up that outlived its deadline."""
        self._cancel(attempt, "timeout")

    def _cancel(self, attempt: Attempt, why: str) -> None:
        if attempt.ended or attempt.task is None:
            return
        attempt.ended = why
        attempt.task.cancel()
        if not attempt.begun:
            self._over(attempt, None, None)  # its coroutine never runs, so nobody else would book it out


def _internal(failure: Exception, lane: Lane) -> RunError:
    return RunError(
        f"This text could not be translated because of an internal error ({type(failure).__name__}). "
        "Run it again; if it fails again, report it.",
        model=lane.model.id,
    )
