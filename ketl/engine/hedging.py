"""Minds the attempts in flight: late ones are raced by a second attempt, hung ones are given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ketl.engine.attempts import Attempt

_EVERY_S = 0.05
_UNKNOWN_LANE_HEDGE_S = 4.0


class Hedging:
    """Looks at `attempts` twenty times a second while there are any; one timer for all of them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        attempts: set[Attempt],
        hedge: Callable[[Attempt], None],
        time_out: Callable[[Attempt], None],
    ) -> None:
        self._loop = loop
        self._attempts = attempts
        self._hedge = hedge
        self._time_out = time_out
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Watch from now on; ends by itself with the last attempt."""
        if self._timer is None:
            self._timer = self._loop.call_later(_EVERY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        triggers: dict[str, float] = {}
        for attempt in list(self._attempts):
            request, times = attempt.request, attempt.lane.times
            elapsed = now - attempt.started
            if elapsed > times.deadline(request.completion_est) * 2.0**request.tries:
                self._time_out(attempt)
            elif not request.hedged and self._is_late(attempt, elapsed, triggers, now):
                self._hedge(attempt)
        if self._attempts:
            self.begin()

    def _is_late(self, attempt: Attempt, elapsed: float, triggers: dict[str, float], now: float) -> bool:
        """Whether a second attempt pays; `triggers` holds this look's hedge triggers by model."""
        lane, tokens = attempt.lane, attempt.request.completion_est
        if elapsed > max(_UNKNOWN_LANE_HEDGE_S, 6.0 * lane.times.predict(tokens)):
            return True
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
