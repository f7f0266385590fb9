"""How many requests a server works on at once, read off the order and the times of its answers.

A server with room for everything answers in any order, each request after its own time. One that works on N
requests at a time answers in the order in which it was asked, N apart: then more in flight only wait in its queue.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

_REMEMBERED = 96
_FEWEST = 5
_FEWEST_TOGETHER = 3
_FEWEST_LATEST = 8
# Between looks so many answers come; with more answers at hand a look costs more and says less that is new.
_LOOK_EVERY = 4
_LOOK_SELDOM = 16
_LOOK_PAUSE_S = 0.05  # and never more often, so that looking takes next to nothing however fast they come
# A queue is only called one when its answers took at least 2 + N / 4 times as long as their work: in a steady flow
# answers that hardly differ come nearly in order, too.
_QUEUED = 2.0
_QUEUED_MORE = 0.25
# Nats an answer by which "N at a time" must explain them better than "all at once" before it is believed: services
# spread by less than 0.6 of the latencies. Behind a queue it is far more, in a steady flow of requests far less.
_SURE = 0.5
# Services that spread by less than this share of the shortest answer seen all count as equally even: what makes one
# explanation better than another must be more than the noise of the clocks and of averaging.
_EVEN = 0.15
# By how much the next best number must fit worse for the best to be sure: by four nats in all, and never less than a
# twentieth. And what counts as no spread at all.
_LEAD = 1.05
_LEAD_NATS = 4.0
_LEAST = 0.02
# The first answers of an idle server are all work and no waiting, so the shortest of them is no longer than the work
# of a request, but for chance: one alone may be so many times as long, the shortest of several less.
_CHANCE = 2.5
# Below this gap between answers it is our own loop that is busy, not the server.
_OWN_GAP_S = 0.003
# A server that takes those who wait in any order shows by its evenness: answers to one burst come all the same time
# apart, so that the middle half of them takes half of the time. Where each request takes its own time, the middle half
# comes within about a quarter of it. And of a queue the longest waits are many times the work, the shortest hardly
# more.
_FEWEST_EVEN = 24
_EVEN_HALF = 0.42
_EVEN_MEAN = 3.0
_EVEN_SHORTEST = 1.25
_MOST = 16  # a server with more room than this is not slow for want of it


class _Answer(NamedTuple):
    """One answer: when it was asked for and came, how many asked before it were still open, and how many in all."""

    sent: float
    at: float
    overtaken: int
    in_flight: int
    size: float


class Window:
    """Watches the requests of one lane, or of all lanes of one server.

    `served_at_once` is how many the server works on at a time, None while no queue is seen; `sure` says whether no
    other number explains the answers nearly as well. `parallel` says whether they show that there is no queue. Times
    are seconds of the loop's clock. `unclear` says that a queue would explain them as well, `even` that it would be
    one without an order.
    """

    def __init__(self) -> None:
        self.served_at_once: int | None = None
        self.sure = False
        self.parallel = False
        self.even = False
        self.unclear = False
        self.answers = 0
        self.answered_at = -math.inf
        self._open: list[int] = []
        self._last: deque[int] = deque(maxlen=_REMEMBERED)
        self._number = 0
        self._recent: deque[_Answer] = deque(maxlen=_REMEMBERED)
        self._shortest_s = math.inf
        self._most_open = 0
        self._suspected = False
        self._looked_at = -math.inf

    @property
    def size(self) -> int | None:
        """How many requests may be in flight, None for any number.

        A few more than the server works on: it never waits for us, and if it comes to do more at a time, it shows.
        """
        if self.served_at_once is None:
            return None
        return self.served_at_once + max(1, self.served_at_once // 2)

    @property
    def in_flight(self) -> int:
        """How many requests are on their way."""
        return len(self._open)

    @property
    def alone(self) -> bool:
        """Whether never more than one request was on its way: then there was no queue to wait in."""
        return self._most_open <= 1

    def sent(self) -> int:
        """Take in that a request goes out; return its number."""
        self._number += 1
        self._open.append(self._number)  # the largest yet, so the list stays in order
        if len(self._open) > self._most_open:
            self._most_open = len(self._open)
        return self._number

    def gone(self, number: int) -> None:
        """Take in that a request has ended without an answer that says anything of the server's speed."""
        self._take(number)

    def answered(self, number: int, sent: float, at: float, size: float) -> bool:
        """Take in an answer to the request sent at `sent`; return whether `served_at_once` is another one now.

        `size` is what was asked for, in expected completion tokens: larger requests take longer.
        """
        in_flight = len(self._open)
        overtaken = self._take(number)
        self._last.append(number)
        self.answers += 1
        self.answered_at = at
        if at - sent < self._shortest_s:
            self._shortest_s = at - sent
        self._recent.append(_Answer(sent, at, overtaken, in_flight, size))
        count = len(self._recent)
        before = self.served_at_once
        if before is not None and self._has_room_now(before):
            self._recent.clear()
            self._found(None)
        elif self._is_time_to_look(count, at):
            self._looked_at = at
            self.look()
        return self.served_at_once != before

    def _is_time_to_look(self, count: int, at: float) -> bool:
        due = count >= _FEWEST and not self.answers % (_LOOK_EVERY if count < _REMEMBERED else _LOOK_SELDOM)
        return due and at - self._looked_at >= _LOOK_PAUSE_S

    def began_at(self) -> float:
        """Return when the latest of the answers was begun, if it had to wait for its turn; minus infinity if not."""
        number = self.served_at_once
        return -math.inf if number is None or len(self._recent) <= number else self._recent[-1 - number].at

    def passed_over(self, number: int) -> int:
        """Return how many of the latest answers came to requests that were sent after this one."""
        return sum(last > number for last in self._last)

    def _take(self, number: int) -> int:
        position = bisect_left(self._open, number)
        del self._open[position]
        return position

    def look(self) -> None:
        """Choose the number of requests served at a time that explains the answers best."""
        answers = list(self._recent)
        if len(answers) < _FEWEST:
            return
        gap_s = (answers[-1].at - answers[0].at) / (len(answers) - 1)
        if gap_s < _OWN_GAP_S:
            self._found(None)
            self.parallel = False  # what waits for our own loop says nothing of the server
            return
        waiting = [a for a in answers if a.in_flight > 1]
        if len(waiting) < _FEWEST_TOGETHER:
            return
        # A twentieth may come out of turn: a request that was late on the line, or a queue of some other kind.
        order = sorted(a.overtaken for a in waiting)
        fewest = order[int(0.95 * (len(order) - 1))] + 1
        crowd = sum(a.in_flight for a in waiting) / len(waiting)
        limit = min(_MOST, crowd if self.served_at_once is not None else crowd / _QUEUED)
        if fewest > limit:
            self._found(None)
            self.even = self.unclear = self._is_even(answers, gap_s)
            return
        floor_s = _EVEN * self._shortest_s
        sent, ends = sorted(a.sent for a in answers), [a.at for a in answers]
        sizes = [a.size for a in answers]
        first = self.answers == len(answers)
        apart = _spread(_services(sent, ends, None, first=first), sizes)
        spreads: dict[int, tuple[float, float]] = {}
        for number in range(1, int(limit) + 1):
            services = _services(sent, ends, number, first=first)
            if len(services) < _FEWEST:
                break
            spreads[number] = _spread(services, sizes), _mean(services)
        possible = [number for number in spreads if number >= fewest]
        if not possible:
            self._found(None)
            return
        best = min(possible, key=lambda number: spreads[number])
        spread, service_s = spreads[best]
        others = [other for number, (other, _) in spreads.items() if number != best]
        lead = max(_LEAD, math.exp(_LEAD_NATS / len(answers)))
        self.sure = all(other > lead * max(spread, _LEAST * service_s) for other in others)
        margin = math.log(max(floor_s, apart) / max(floor_s, spread))
        waited = _mean([a.at - a.sent for a in answers]) / service_s
        if self.served_at_once is not None:
            # Once known, a queue is known until the answers say that there is none.
            self._found(None if margin < -_SURE else best)
            return
        plain = margin >= _SURE and waited >= _QUEUED + _QUEUED_MORE * best
        if plain and self._shortest_s <= max(1.25, _CHANCE / math.sqrt(best)) * service_s:
            # Seen twice, so that one odd moment of a steady flow is not taken for a queue.
            if self._suspected:
                self._found(best)
            self._suspected = True
        else:
            self.parallel, self.unclear, self._suspected = margin <= 0.0, margin > 0.0, False

    def _has_room_now(self, number: int) -> bool:
        """Whether the very latest answers came as if no queue were left, though older ones still outweigh them."""
        latest = list(self._recent)[-(_FEWEST_LATEST + 4 * number) :]
        if self.answers % _LOOK_EVERY or len(latest) < _FEWEST_LATEST + 4 * number:
            return False
        sent, ends, sizes = sorted(a.sent for a in latest), [a.at for a in latest], [a.size for a in latest]
        spread = _spread(_services(sent, ends, number, first=False), sizes)
        apart = _spread(_services(sent, ends, None, first=False), sizes)
        floor_s = _EVEN * self._shortest_s
        return math.log(max(floor_s, spread) / max(floor_s, apart)) >= _SURE

    def _is_even(self, answers: Sequence[_Answer], gap_s: float) -> bool:
        """Whether the answers to one burst come as evenly as out of a queue in which anyone may be next."""
        begin, end = answers[0].at, answers[-1].at
        if max(a.sent for a in answers) > begin or self._shortest_s > _EVEN_SHORTEST * _MOST * gap_s:
            return False
        if _mean([a.at - a.sent for a in answers]) < _EVEN_MEAN * self._shortest_s:
            return False
        quarter = len(answers) // 4
        half_s = answers[-1 - quarter].at - answers[quarter].at
        return len(answers) < _FEWEST_EVEN or half_s >= _EVEN_HALF * (end - begin)

    def _found(self, number: int | None) -> None:
        self.served_at_once, self.parallel, self._suspected = number, number is None, False
        self.even = self.unclear = False


def _services(sent: Sequence[float], ends: Sequence[float], number: int | None, *, first: bool) -> list[float]:
    """Return how long each request was worked on if the server takes `number` at a time, in the order of the ends.

    The k-th to end began when it was sent, or when the one `number` ends before it made room; `first` says that
    nobody was served before these, so that the first of them found room. None: there is no queue.
    """
    if number is None:
        return [end - begun for begun, end in zip(sent, ends, strict=True)]
    services = [
        end - max(begun, made_room) for begun, end, made_room in zip(sent[number:], ends[number:], ends, strict=False)
    ]
    if first:
        services = [end - begun for begun, end in zip(sent[:number], ends[:number], strict=True)] + services
    return services


def _spread(services: Sequence[float], sizes: Sequence[float]) -> float:
    """Return how far the services lie from the line through their sizes, in seconds: the smaller, the likelier.

    The log-likelihood of a normal distribution with its own mean and deviation is, but for a constant, minus the
    logarithm of this for each answer. Services that would be shorter for larger requests lie around their mean.
    """
    sizes = sizes[-len(services) :]
    mean, mean_size = _mean(services), _mean(sizes)
    off = [service - mean for service in services]
    larger = [size - mean_size for size in sizes]
    across, along, every = sum(map(mul, larger, larger)), sum(map(mul, larger, off)), sum(map(mul, off, off))
    if along > 0.0 and across > 0.0:
        every -= along * along / across
    return math.sqrt(max(0.0, every) / len(services))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
