"""Finds the pace that a provider allows when its refusals tell neither which limit is reached nor how large it is.

Between two refusals as many requests come through as the limit allows in that time, whatever its kind: a bucket that
refills, a window of a minute, so many at once. Nothing here reads a clock: every method is handed `now`, in seconds.
"""

from __future__ import annotations

# How long to rest after a refusal that names no wait: as long as the shortest that is told in whole seconds. Doubled
# with every one after which nothing came through, up to the longest that is believed when it is told.
_PAUSE_S = 1.0
_MAX_PAUSE_S = 60.0
# While no pace is known, one request is sent after a rest, then twice as many every 0.1 s until one is refused.
_WINDOW_S = 0.1
_MOST_AT_ONCE = 256
# Slightly below what came through, so that the next refusal is not the next request. Then faster with every request
# that comes through, and more so the longer none is refused (as CUBIC does for a network, RFC 9438).
_SLOWER = 0.97
_FASTER = 0.002
# So many requests give a rate to within a twentieth; older ones may have been under another limit.
_ENOUGH = 20
_NO_LIMIT_S = 0.005


class UntoldLimit:
    """What refusals without a name have shown of a model's limit; `over` says that no limit shows any more.

    Begins with the first of them, at `now`; `wait_s` is the wait that it named, None for none.
    """

    def __init__(self, wait_s: float | None, now: float) -> None:
        self.over = False
        self._pause_s = _PAUSE_S
        self._told_s = wait_s or 0.0
        self._refused_at = now
        self._rests_until: float | None = now + max(self._told_s, _PAUSE_S)
        self._next_at = 0.0
        # How many came through since the last refusal, and since the one from which the pace is counted.
        self._last_from = self._counted_from = now
        self._last = self._counted = 0
        # Seconds between requests, None while unknown; how many were sent at it since. Until it is known: how many may
        # be sent together, and how many of them are left.
        self._apart_s: float | None = None
        self._streak = 0
        self._at_once = self._left = 1

    def delay(self, now: float) -> float:
        """Return the seconds until the next request may be sent."""
        if self._rests_until is not None and now >= self._rests_until:
            self._judge(now)
        return max(0.0, (self._next_at if self._rests_until is None else self._rests_until) - now)

    def sent(self, now: float) -> None:
        """Take in that a request was sent."""
        self._last += 1
        self._counted += 1
        if self._apart_s is None:
            self._left -= 1
            if self._left <= 0:
                self._at_once *= 2
                self._left = self._at_once
                self._next_at = now + _WINDOW_S
            self.over = self._at_once > _MOST_AT_ONCE
        else:
            self._streak += 1
            self._apart_s /= 1.0 + _FASTER * self._streak
            self._next_at = max(self._next_at + self._apart_s, now)
            self.over = self._apart_s < _NO_LIMIT_S

    def refused(self, sent_at: float, wait_s: float | None, now: float) -> None:
        """Take in another refusal, of a request sent at `sent_at`."""
        self._counted -= sent_at > self._counted_from
        self._last -= sent_at > self._last_from
        if self._rests_until is None or sent_at > self._refused_at:
            self._refused_at, self._told_s = now, wait_s or 0.0
            self._rests_until = now + max(self._told_s, self._shortest_s() if self._last > 0 else self._pause_s)
        else:
            # Of the same burst: all that it may say is that the rest must be longer.
            self._rests_until = max(self._rests_until, now + (wait_s or 0.0))

    def _shortest_s(self) -> float:
        return _PAUSE_S if self._apart_s is None else min(self._apart_s, _MAX_PAUSE_S)

    def _judge(self, now: float) -> None:
        """Work out the pace at the end of a rest: by then the other refusals of the burst have come as well."""
        self._rests_until = None
        if self._refused_at > self._last_from:
            if self._last > 0:
                self._pause_s = self._shortest_s()
            else:
                # Nothing came through, so the rest before was too short, whatever was said of it.
                self._pause_s = min(_MAX_PAUSE_S, 2.0 * max(self._told_s, self._pause_s))
                self._rests_until = max(now, self._refused_at + self._pause_s)
        if self._counted > 0:
            # What was refilled but not enough for one more is half a request on average.
            self._apart_s = (self._refused_at - self._counted_from) / (self._counted + 0.5) / _SLOWER
            if self._counted >= _ENOUGH:
                self._counted_from, self._counted = self._refused_at, 0
        self._last_from, self._last = self._refused_at, 0
        self._streak, self._at_once, self._left = 0, 1, 1
        self._next_at = now
