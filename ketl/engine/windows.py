"""How many requests may be in flight: a window for each lane, and one for the server behind all of them."""

from __future__ import annotations

from collections.abc import Mapping

from ketl.provider.lane import Lane
from ketl.provider.window import Window
from ketl.results.crowd import Shown


class Windows:
    """The windows of one provider account.

    A server may have one queue for all its models or one for each: where the answers of all lanes together show a
    queue, that is the one that counts.
    """

    def __init__(self, lanes: Mapping[str, Lane]) -> None:
        self.server = Window()
        self._lanes = lanes

    def room(self, lane: Lane) -> bool:
        """Whether one more request may be sent in this lane."""
        for window in (self.server, lane.window):
            size = window.size
            if size is not None:
                return window.in_flight < size
        return True

    def served_at_once(self, lane: Lane) -> int | None:
        """Return how many requests the server works on at a time, None where no queue is seen."""
        return self.server.served_at_once or lane.window.served_at_once

    def queues(self, lane: Lane) -> bool:
        """Whether requests of this lane wait for one another, or, all of the server's taken together, seem to."""
        return self.served_at_once(lane) is not None or self.server.even

    def shown(self, lane: Lane) -> Shown:
        """Return what the answers show of how a lane's server works."""
        self.server.look()
        lane.window.look()
        whole = self.server.served_at_once is not None
        window = self.server if whole else lane.window
        unclear = self.server.unclear or lane.window.unclear
        apart = lane.window.alone or (lane.window.parallel and not unclear)
        return Shown(at_once=window.served_at_once, sure=window.sure, apart=apart, whole=whole)

    def sent(self, lane: Lane) -> tuple[int, int]:
        """Take in that a request goes out in this lane; return its numbers, on the server and in the lane."""
        return self.server.sent(), lane.window.sent()

    def gone(self, lane: Lane, numbers: tuple[int, int]) -> None:
        """Take in that a request has ended without an answer that says anything of the server's speed."""
        self.server.gone(numbers[0])
        lane.window.gone(numbers[1])

    def answered(self, lane: Lane, numbers: tuple[int, int], sent: float, at: float, size: float) -> list[Lane]:
        """Take in an answer; return the lanes of which it is known anew how many are served at once."""
        before = self.server.served_at_once
        if self.server.answered(numbers[0], sent, at, size):
            lane.window.answered(numbers[1], sent, at, size)
            changed = [other for other in self._lanes.values() if other.answered]
        else:
            before = lane.window.served_at_once
            news = lane.window.answered(numbers[1], sent, at, size)
            changed = [lane] if news and self.server.served_at_once is None else []
        if before is None:
            for other in changed:
                other.times.begin_anew(other.model)  # what was learned until now were times of waiting
        return changed

    def worked_s(self, lane: Lane, sent: float, at: float) -> float:
        """Return the seconds of an answer in which the server worked on it: all of them, where no queue is seen."""
        window = self.server if self.server.served_at_once is not None else lane.window
        return at - max(sent, window.began_at())
