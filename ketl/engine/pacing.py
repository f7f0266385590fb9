"""Keeps the first sends of a lane, and those under limits that nobody told, from being refused all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ketl.provider.lane import Lane

_MOST_PROBES = 24
_REACTION_S = 0.012  # until a refusal is read here while the loop is busy sending
_LIKELIEST_RPM = 30


@dataclass(slots=True)
class _Pace:
    """How far one lane has been tried: the size of the last window of probes, how many of it are left to send,
    when the next opens, and when the lane sent first."""

    probes: int
    past_likeliest: bool
    left: int = 0
    next_at: float = 0.0
    first_sent_at: float = 0.0


class Pacing:
    """Says when a lane may send; `wake_at` asks for another look at a time."""

    def __init__(self, round_trip_s: float, wake_at: Callable[[float], None]) -> None:
        self._round_trip_s = round_trip_s
        self._wake_at = wake_at
        self._paces: dict[str, _Pace] = {}

    def goes_beyond(self, lane: Lane, kind: str, now: float) -> bool:
        """Whether to send beyond limits that are only assumed, to learn whether they hold."""
        if lane.books.proven or kind not in ("RPM", "TPM") or lane.answered + lane.in_flight == 0:
            return False
        return self._probe(lane, now) <= 0.0

    def wait_s(self, lane: Lane, now: float) -> float:
        """Hold the first sends of a lane back for a round trip, and those under an unknown request limit.

        A retired model, a bad key or a limit nobody told answers within one round trip, so this is what
        keeps a whole burst from being refused at once.
        """
        trip = 1.5 * self._round_trip_s
        if lane.sent == 0:
            self._pace(lane).first_sent_at = now
        elif lane.answered == 0 and lane.sent >= 2 and now - self._pace(lane).first_sent_at < 2.0 * trip:
            return self._pace(lane).first_sent_at + 2.0 * trip - now
        if lane.books.auto and lane.books.proven and "RPM" not in lane.books.buckets:
            return self._probe(lane, now)
        return 0.0

    def _probe(self, lane: Lane, now: float) -> float:
        """Return the seconds to hold a request back whose lane's request limit nobody told; 0: send it.

        One request first, then twice as many every few round trips while none is refused: a refusal comes
        within one trip, and its text says the true limit. Beyond the free plan's requests a minute, the
        likeliest limit, it begins with one again.
        """
        pace = self._pace(lane)
        trip = max(3.0 * self._round_trip_s, _REACTION_S)
        if lane.sent >= _LIKELIEST_RPM and not pace.past_likeliest:
            pace.past_likeliest, pace.probes, pace.left, pace.next_at = True, 0, 0, now + trip
        elif now - pace.next_at > trip and pace.probes and pace.left == 0:
            # The loop was busy: what was refused may lie unread.
            pace.next_at = now + _REACTION_S
        elif now >= pace.next_at:
            pace.next_at = now + trip
            pace.probes = min(max(1, 2 * pace.probes), _MOST_PROBES + lane.answered // 10)
            pace.left = pace.probes
        if pace.left <= 0:
            self._wake_at(max(now + 1e-3, pace.next_at))
            return max(1e-3, pace.next_at - now)
        pace.left -= 1
        return 0.0

    def _pace(self, lane: Lane) -> _Pace:
        """Return the record of a lane; one that was used before this session begins where its answers are."""
        pace = self._paces.get(lane.model.id)
        if pace is None:
            pace = _Pace(probes=min(lane.answered, _MOST_PROBES), past_likeliest=lane.sent > _LIKELIEST_RPM)
            self._paces[lane.model.id] = pace
        return pace
