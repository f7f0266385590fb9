"""Minds the attempts in flight: late ones are raced by a second attempt, hung ones are given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ketl.engine.attempt import Attempt
from ketl.engine.windows import Windows
from ketl.provider.lane import Lane

_EVERY_S = 0.05
_SELDOM_S = 0.5
# Of the oldest attempt's age: what is a minute old need not be looked at twenty times a second.
_EVERY_SHARE = 0.02
# Late whatever the spread of the answers is, or before it is known; but not before some that were sent later came.
_FAR_TOO_LATE_S = 4.0
_FAR_TOO_LATE = 6.0
_PASSED = 2
# So many answers to requests that were sent later say that an attempt hangs, where the server takes them in turn: more
# than any that works on some of them side by side would let pass.
_PASSED_OVER = 8
_PASSED_OVER_AT_ONCE = 4


class Hedging:
    """Looks at `attempts` up to twenty times a second while there are any; one timer for all of them.

    `hedge` sends a late one a second time, `time_out` gives one up; `silent` is told of a lane that stayed silent
    after its oldest attempt was given up and sent again.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        attempts: set[Attempt],
        windows: Windows,
        *,
        hedge: Callable[[Attempt], None],
        time_out: Callable[[Attempt], None],
        silent: Callable[[Lane, float], None],
    ) -> None:
        self._loop = loop
        self._attempts = attempts
        self._windows = windows
        self._hedge = hedge
        self._time_out = time_out
        self._silent = silent
        self._timer: asyncio.TimerHandle | None = None
        # By model: when its oldest attempt was given up, to be sent again, and since when it was silent then.
        self._asked_again: dict[str, tuple[float, float]] = {}

    def begin(self) -> None:
        """Watch from now on; ends by itself with the last attempt."""
        if self._timer is None:
            self._watch_in(_EVERY_S)

    def _watch_in(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        triggers: dict[str, float] = {}
        overdue: dict[str, list[Attempt]] = {}
        for attempt in list(self._attempts):
            request, lane = attempt.request, attempt.lane
            elapsed = now - attempt.started
            if elapsed > self._patience_s(attempt):
                if self._hangs(attempt):
                    self._time_out(attempt)
                else:
                    overdue.setdefault(lane.model.id, []).append(attempt)
            elif not request.hedged and self._is_late(attempt, elapsed, triggers, now):
                self._hedge(attempt)
        for waiting in overdue.values():
            self._give_up(waiting, now)
        if self._attempts:
            oldest_s = now - min(attempt.started for attempt in self._attempts)
            self._watch_in(min(_SELDOM_S, max(_EVERY_S, _EVERY_SHARE * oldest_s)))

    def _is_late(self, attempt: Attempt, elapsed: float, triggers: dict[str, float], now: float) -> bool:
        """Whether a second attempt pays; `triggers` holds this look's hedge triggers by model.

        Never on a server with a queue: there the second would only wait behind the first.
        """
        lane, tokens = attempt.lane, attempt.request.completion_est
        if self._windows.queues(lane):
            return False
        if elapsed > max(_FAR_TOO_LATE_S, _FAR_TOO_LATE * lane.times.predict(tokens)):
            return lane.window.passed_over(attempt.numbers[1]) >= _PASSED
        if not lane.times.known or not lane.times.may_be_late(tokens, elapsed):
            return False
        trigger = triggers.get(lane.model.id)
        if trigger is None:
            ages = [
                (now - other.started) / max(1e-6, lane.times.predict(other.request.completion_est))
                for other in self._attempts
                if other.lane is lane
            ]
            trigger = triggers[lane.model.id] = lane.times.lateness(ages)
        return elapsed > trigger * lane.times.predict(tokens)

    def _give_up(self, waiting: list[Attempt], now: float) -> None:
        """Give up those of a lane's overdue attempts of which nothing is heard any more.

        A lane that keeps answering is not hung, however long a request has waited there. In a silent one the oldest
        is asked again first, with twice the patience: only when that stays unanswered, too, are all given up.
        """
        lane = waiting[0].lane
        oldest = min(waiting, key=lambda attempt: attempt.started)
        heard_at = self._heard_at(lane, waiting)
        again_at, silent_since = self._asked_again.get(lane.model.id, (lane.answered_at, heard_at))
        if again_at <= lane.answered_at:
            if now - heard_at > self._patience_s(oldest):
                self._asked_again[lane.model.id] = now, heard_at
                self._time_out(oldest)
        elif now - max(again_at, heard_at) > self._patience_s(oldest):
            del self._asked_again[lane.model.id]
            self._silent(lane, now - silent_since)
            for attempt in waiting:
                self._time_out(attempt)

    def _patience_s(self, attempt: Attempt) -> float:
        """Return how long an attempt may take: twice as long with every try, and in a lane that has been silent."""
        request, lane = attempt.request, attempt.lane
        silent = lane.model.id in self._asked_again and self._asked_again[lane.model.id][0] > lane.answered_at
        return lane.times.deadline(request.completion_est) * 2.0 ** max(request.tries, int(silent))

    def _hangs(self, attempt: Attempt) -> bool:
        """Whether so many that were sent later have been answered that this one will not be."""
        at_once = self._windows.served_at_once(attempt.lane)
        if at_once is None and self._windows.queues(attempt.lane):
            return False  # there anyone may be passed over by all the others
        most = _PASSED_OVER + (_PASSED_OVER_AT_ONCE * at_once if at_once is not None else 0)
        return attempt.lane.window.passed_over(attempt.numbers[1]) >= most

    def _heard_at(self, lane: Lane, waiting: Iterable[Attempt]) -> float:
        """Return when something was last heard: of the lane, or of the whole server where that has one queue for all.

        A lane that has never answered may wait its turn behind the others, unless these pass it over.
        """
        server = self._windows.server
        heard_at = max(lane.answered_at, min(attempt.started for attempt in waiting))
        first = min(attempt.numbers[0] for attempt in waiting)
        if server.served_at_once is not None or (not lane.answered and server.passed_over(first) < _PASSED_OVER):
            heard_at = max(heard_at, server.answered_at)
        return heard_at
