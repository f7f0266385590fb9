"""One attempt's life: sent in a lane, answered or not, its lessons learned, and what its request does next."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace

from ketl.engine.attempt import Attempt
from ketl.engine.attempt_words import DOWN, internal, is_capacity, is_too_large, left_because, status_of
from ketl.engine.budget import most_usd
from ketl.engine.learning import learn
from ketl.engine.request import Moved, Request, Size
from ketl.engine.retries import MAX_REFUSALS, Remedy, decide
from ketl.engine.usage import believed, tells_cost
from ketl.engine.windows import Windows
from ketl.engine.work import Work
from ketl.errors import (
    LimitReachedError,
    ModelGoneError,
    RefusedError,
    RunError,
    UnreachableError,
    UnusableReplyError,
)
from ketl.logs import get_logger
from ketl.prompts.replies import LONG_CHARS, parse_reply
from ketl.provider.lane import Lane
from ketl.provider.protocol import Client, Reply
from ketl.results.events import Admitted, Answered, LaneClosed, LimitReached, ServedAtOnce

logger = get_logger(__name__)

# What a request fails at while nothing works is not held against it; of the last few for so long only, since they may
# be all that does not work.
_SPARED_S = 60.0
_FEW = 3
_TOGETHER_S = 0.25  # between the first and the last of a burst

_LONG_TOKENS = 3_000  # texts of so many are judged in a thread, whatever the answer


class Attempts:
    """The attempts in flight, of all runs.

    `wake` is called when one ended, so that more may be sent; `lane_gone` when an answer says that a model is, and
    `lane_hopeless` with what a lane has done, in words that follow its name, when it is to be left for the next.
    """

    def __init__(
        self,
        client: Client,
        windows: Windows,
        *,
        wake: Callable[[], None],
        lane_gone: Callable[[Lane, str], None],
        lane_hopeless: Callable[[Lane, str], None],
        round_trip_s: float,
        rng: random.Random,
    ) -> None:
        self.in_flight: set[Attempt] = set()
        self._client = client
        self._windows = windows
        self._wake = wake
        self._lane_gone = lane_gone
        self._lane_hopeless = lane_hopeless
        self._round_trip_s = round_trip_s
        self._rng = rng
        # One long answer at a time: several threads would only take the interpreter from one another, and the loop.
        self._reading = asyncio.Lock()
        self._answered_from = float("-inf")  # when the latest of those that were answered was sent
        self._loop = asyncio.get_running_loop()
        self._now: Callable[[], float] = self._loop.time

    def start(self, work: Work, request: Request, lane: Lane, size: Size, now: float, kind: str) -> None:
        """Send a request of this size; `kind` says why: first, retry, repair or hedge."""
        charge, numbers = lane.books.charge(size.prompt, size.ceiling, now), self._windows.sent(lane)
        attempt = Attempt(work, request, lane, charge, size, now, kind, numbers)
        lane.credit.lend(size.lent)
        self.in_flight.add(attempt)
        request.in_flight.append(lane)
        lane.in_flight += 1
        lane.sent += 1
        work.sent(request, lane, attempt.charge)
        name = lane.model.id
        work.emit(Admitted(request.number, name, now - work.started, not request.models, name not in request.models))
        request.models.add(name)
        attempt.task = self._loop.create_task(self._run(attempt))
        if logger.isEnabledFor(logging.DEBUG):
            said = "run %s request %s begins: %s attempt at %s, %d texts"
            logger.debug(said, work.run_id, request.number, kind, name, len(request.items))

    def cancel(self, attempt: Attempt, why: str) -> None:
        """Cancel an attempt in flight: timeout, superseded, or cancelled."""
        if attempt.ended or attempt.task is None:
            return
        attempt.ended = why
        attempt.task.cancel()
        if not attempt.begun:
            self._over(attempt, None, None)  # its coroutine never runs, so nobody else would book it out

    def cancel_all(self, work: object) -> None:
        """Cancel what a run has in flight."""
        for attempt in [attempt for attempt in self.in_flight if attempt.work is work]:
            self.cancel(attempt, "cancelled")

    async def _run(self, attempt: Attempt) -> None:
        attempt.begun = True
        request = attempt.request
        reply: Reply | None = None
        error: RunError | None = None
        try:
            reply = await self._client.complete(
                attempt.work.brief.call(
                    request.items, request.language, attempt.lane.model, attempt.size.ceiling, request.faults
                )
            )
            if len(reply.content) > LONG_CHARS or request.prompt_est > _LONG_TOKENS:
                async with self._reading:
                    await asyncio.to_thread(attempt.read, reply)
        except RunError as failure:
            error = failure
        except asyncio.CancelledError:
            attempt.ended = attempt.ended or "cancelled"
        except Exception as failure:  # a fault of ours must fail one request, not hang the run
            logger.exception("run %s request %s could not be sent", attempt.work.run_id, request.number)
            error = internal(failure, attempt.lane.model.id)
        try:
            self._over(attempt, reply, error)
        except Exception as failure:  # a fault of ours must fail one request, not hang the run
            logger.exception("run %s request %s: its end could not be taken in", attempt.work.run_id, request.number)
            if not request.done:
                attempt.work.give_up(request, internal(failure, attempt.lane.model.id), attempt.lane)
            self._wake()

    def _over(self, attempt: Attempt, reply: Reply | None, error: RunError | None) -> None:
        """Take an attempt that is over out of the books of what is in flight, and act on how it ended."""
        request, lane, now = attempt.request, attempt.lane, self._now()
        self.in_flight.discard(attempt)
        request.in_flight.remove(lane)
        lane.in_flight -= 1
        lane.books.over(attempt.charge)
        lane.credit.over(attempt.size.lent)
        if reply is None:
            self._windows.gone(lane, attempt.numbers)
        else:
            reply = believed(reply, request.prompt_est, attempt.size.ceiling)
        given_up = reply is None and error is None
        if given_up and attempt.ended == "timeout":
            error = UnreachableError("The provider did not answer in time.", timed_out=True, model=lane.model.id)
        try:
            if reply is not None:
                self._answered(attempt, reply, now)
            elif error is not None:
                self._failed(attempt, error, now, given_up=given_up)
            else:
                self._report(attempt, attempt.ended, now, (0, 0, 0), given_up=given_up)
        finally:
            told = not (given_up and attempt.begun) and tells_cost(reply, error)
            attempt.work.ended(request, lane, attempt.charge, told=told)
            self._wake()

    def _answered(self, attempt: Attempt, reply: Reply, now: float) -> None:
        request, lane = attempt.request, attempt.lane
        seconds = now - attempt.started
        lane.succeeded(now)
        self._answered_from = max(self._answered_from, attempt.started)
        attempt.work.refusals.answered()
        lane.books.settle(attempt.charge, reply.prompt_tokens, reply.completion_tokens, now)
        lane.books.observe(reply.limits, attempt.charge, now)
        predicted = lane.times.predict(request.completion_est)
        for other in self._windows.answered(lane, attempt.numbers, attempt.started, now, request.completion_est):
            self._tell_served(other, attempt.work)
        parsed = attempt.parsed or parse_reply(reply.content, request.keys, reply.finish_reason)
        if reply.content and reply.status == 200:
            lane.times.learn(request.completion_est, self._windows.worked_s(lane, attempt.started, now))
        starved = learn(lane, request, attempt.size, reply, len(parsed.texts))
        tokens = (reply.prompt_tokens or 0, reply.completion_tokens or 0, reply.cached_tokens)
        status = "200" if parsed.texts and reply.status == 200 else "unusable"
        # A time longer than the whole took is none of seconds, or none of this answer.
        said_s, trip_s = reply.service_s, self._round_trip_s
        service_s = None if said_s is None or said_s > seconds + trip_s else min(seconds, said_s + trip_s)
        queue_s = 0.0 if service_s is None else min(reply.queue_s, seconds - service_s)
        priced = tells_cost(reply, None)
        self._report(attempt, status, now, tokens, predicted, service_s, queue_s, priced=priced)
        if parsed.texts:
            lane.fruitful()
        else:
            self._barren(attempt, now)
        if request.done:
            return
        if not parsed.texts and request.in_flight:
            return  # a sibling may still bring a text
        if not parsed.texts and not parsed.cut_off:
            if reply.status != 200:
                request.ceiling_factor *= 2.0  # a lack of room is the likeliest reason
            self._again(attempt, UnusableReplyError("The model's answer held no translation.", model=lane.model.id))
            return
        if request.in_flight:
            for sibling in [other for other in self.in_flight if other.request is request]:
                self.cancel(sibling, "superseded")
        if starved:
            parsed = replace(parsed, cut_off=False)  # the lane gives the room from now on, so no factor on top
        grades = attempt.grades if attempt.grades is not None else attempt.work.grade(request, parsed)
        attempt.work.take(request, parsed, grades, lane, seconds, now)

    def _tell_served(self, lane: Lane, work: Work) -> None:
        """Tell every run that sends that it is known anew how many requests the server works on at a time."""
        server = self._windows.server
        window = server if server.served_at_once is not None else lane.window
        event = ServedAtOnce(lane.model.id, window.served_at_once, window.sure, window is server)
        for each in {work, *(attempt.work for attempt in self.in_flight)}:
            each.emit(event)

    def _barren(self, attempt: Attempt, now: float) -> None:
        """Take in that nothing of an answer could be used; a model that brings nothing else is left."""
        lane, segment = attempt.lane, attempt.request.items[0].segment
        tag, languages = segment.language.tag, attempt.work.languages
        all_barren = lane.barren(tag, segment.key, languages, attempt.started, now)
        if all_barren and lane.exhausted_until <= now and self._is_all(lane, lane.barren_since):
            self._lane_hopeless(lane, "answers, but brings no translation")

    def _is_all(self, lane: Lane, since: float) -> bool:
        """Whether nothing sent in a lane up to `since` is under way: bad answers come soon and overtake the others."""
        return not any(other.lane is lane and other.started <= since for other in self.in_flight)

    def _failed(self, attempt: Attempt, error: RunError, now: float, *, given_up: bool = False) -> None:
        work, request, lane = attempt.work, attempt.request, attempt.lane
        self._report(attempt, status_of(error), now, (0, 0, 0), given_up=given_up, priced=tells_cost(None, error))
        if not given_up:
            self._look_for_hope(attempt, error, now)
        if is_capacity(error):
            work.emit(LimitReached(lane.model.id, "CAPACITY", error.wait_s or 0.0, True))
        if isinstance(error, LimitReachedError) and not is_capacity(error):
            if lane.books.refused(error, attempt.charge, now):
                said = "run %s request %s: a refusal of %s told its limit, %s %s"
                logger.warning(said, work.run_id, request.number, lane.model.id, error.kind, f"{error.limit:,.0f}")
            request.refusals += 1
            if not error.too_large:
                work.emit(LimitReached(lane.model.id, error.kind or "", error.wait_s or 0.0, True))
        elif isinstance(error, ModelGoneError):
            lane.books.give_back(attempt.charge, now)
            if lane.gone is None:
                logger.warning("run %s request %s: %s is gone: %s", work.run_id, request.number, lane.model.id, error)
                self._lane_gone(lane, str(error))
        else:
            if isinstance(error, UnusableReplyError):
                lane.credit.lost(attempt.size.lent)
            if not isinstance(error, UnreachableError):
                lane.books.give_back(attempt.charge, now)
            if isinstance(error, DOWN) and lane.failed(attempt.started, now) and self._closes(lane, now):
                said = "run %s request %s: %s failed again and again, so it is left alone for %.1f s"
                logger.warning(said, work.run_id, request.number, lane.model.id, lane.closed_until - now)
                work.emit(LaneClosed(lane.model.id, lane.closed_for, lane.closed_until - now))
        if isinstance(error, RefusedError) and self._mends(attempt, error, now):
            if not request.done and not request.in_flight:
                work.put_back(request, 0.0)
        elif isinstance(error, RefusedError) and self._refuses_all(attempt, error, now):
            work.stop(error)
        elif not request.done:
            self._again(attempt, error)

    def _closes(self, lane: Lane, now: float) -> bool:
        """Leave a lane that only fails alone for a while; return whether it was open until now."""
        return self._is_all(lane, lane.failing_since) and lane.close_for_a_while(now, "failed several times in a row")

    def _look_for_hope(self, attempt: Attempt, error: RunError, now: float) -> None:
        """Take in an attempt without an answer; a model that has answered nothing for too long is left."""
        lane = attempt.lane
        if not isinstance(error, (LimitReachedError, *DOWN)) or is_too_large(error) or lane.exhausted_until > now:
            return
        why = left_because(error, lane.unanswered(now), answered=lane.answered > 0)
        if why:
            self._lane_hopeless(lane, why)

    def _mends(self, attempt: Attempt, error: RefusedError, now: float) -> bool:
        """Whether the lane can do without what it was refused for, so that the request just goes again."""
        lane, most = attempt.lane, error.most_tokens
        if most is not None and most < attempt.size.ceiling and attempt.request.refusals < MAX_REFUSALS:
            attempt.request.refusals += 1
            lane.writes_at_most(most)
            return True
        return lane.goes_without(error.code or "", attempt.started, now)

    def _refuses_all(self, attempt: Attempt, error: RefusedError, now: float) -> bool:
        """Take in a refusal; whether everything that was sent before the first one came was refused as well."""
        work = attempt.work
        work.refusals.take(error, attempt.request.number, attempt.lane.model.id, now)
        first_at = work.refusals.first_at or now
        if not work.refuses_all(attempt.request):
            return False
        return not any(other.work is work and other.started < first_at for other in self.in_flight)

    def _is_down(self, attempt: Attempt) -> bool:
        """Whether nothing else works either, so that a request's failure is not its own fault.

        While many wait, nothing that was sent since it failed before was answered; of the last few, nothing that was
        sent together with it or later, and not for long.
        """
        request, now = attempt.request, self._now()
        before, request.failed_at = request.failed_at or attempt.started, now
        request.failing_since = request.failing_since or attempt.started
        silent = self._answered_from < request.failing_since - _TOGETHER_S
        since_s = now - request.failing_since
        if attempt.work.remaining <= _FEW:
            return silent and since_s < _SPARED_S
        return self._answered_from < before and (silent or since_s < 2 * _SPARED_S)

    def _again(self, attempt: Attempt, error: RunError) -> None:
        """Decide what becomes of a request whose attempt failed; a sibling still in flight decides first."""
        work, request, lane = attempt.work, attempt.request, attempt.lane
        if request.in_flight:
            return
        if not isinstance(error, (LimitReachedError, ModelGoneError)) or is_capacity(error):
            request.failures += 1
            request.tries += not (isinstance(error, DOWN) and self._is_down(attempt))
        decision = decide(
            error,
            tries=request.tries,
            failures=request.failures,
            refusals=request.refusals,
            segments=len(request.items),
            rng=self._rng,
            alone=work.alone(request, lane),
        )
        request.hedged = False
        match decision.remedy:
            case Remedy.AGAIN:
                if isinstance(error, UnusableReplyError):
                    request.moved = Moved.by(error, lane)  # another lane may be the next that has room
                # Where a model is down, others find out by turns whether it works again: each has but so many tries.
                down = isinstance(error, DOWN) and lane.closed_until > self._now()
                work.put_back(request, decision.wait_s, front=not down)
            case Remedy.SPLIT:
                work.split(request)
            case Remedy.NEXT_MODEL:
                work.next_model(request, lane, error)
            case Remedy.STOP:
                work.stop(error)
            case Remedy.FAIL:
                work.give_up(request, error, lane)

    def _report(
        self,
        attempt: Attempt,
        status: str,
        now: float,
        tokens: tuple[int, int, int],
        predicted_s: float | None = None,
        service_s: float | None = None,
        queue_s: float = 0.0,
        *,
        given_up: bool = False,
        priced: bool = True,
    ) -> None:
        work, request, lane = attempt.work, attempt.request, attempt.lane
        if predicted_s is None:
            predicted_s = lane.times.predict(request.completion_est)
        if logger.isEnabledFor(logging.DEBUG):
            said = "run %s request %s ends: %s from %s after %.3f s"
            logger.debug(said, work.run_id, request.number, status, lane.model.id, now - attempt.started)
        work.emit(
            Answered(
                request.number,
                lane.model.id,
                request.language.tag,
                attempt.started - work.started,
                now - attempt.started,
                status,
                attempt.kind,
                len(request.items),
                tokens,
                work.cost_of(lane.model, tokens) if priced else None,
                predicted_s,
                service_s,
                given_up and attempt.begun,
                most_usd(lane.model, attempt.charge) if given_up and attempt.begun else 0.0,
                queue_s,
            )
        )
