"""A provider's side of the limits, written from the published arithmetic and from nothing of ours."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from ketl.provider.books import LaneBooks
from ketl.provider.protocol import LimitFacts

TINY = 1e-6


@dataclass
class ServerBucket:
    """Refuses while level + amount > capacity; `rate` flows out per second, continuously."""

    capacity: float
    rate: float
    level: float = 0.0
    at: float = -math.inf

    def used(self, now: float) -> float:
        """Return what stands in the bucket."""
        if now > self.at:
            self.level = max(0.0, self.level - self.rate * (now - self.at)) if self.level else 0.0
            self.at = now
        return self.level

    def admits(self, amount: float, now: float) -> bool:
        """Charge `amount` if it fits."""
        if self.used(now) + amount > self.capacity + TINY * self.capacity:
            return False
        self.level += amount
        return True

    def give(self, amount: float, now: float) -> None:
        """Give back what was reserved and not used."""
        self.level = max(0.0, self.used(now) - amount)


@dataclass
class Asked:
    """One request: its size as the client books it, what it really takes, and the way's delays in seconds."""

    prompt: float
    ceiling: float
    completion: float
    gap_s: float = 0.0
    there_s: float = 0.0
    service_s: float = 0.1
    back_s: float = 0.0


@dataclass
class Trial:
    """Sends requests as the books allow, on a hand-moved clock, and keeps what the server refused."""

    books: LaneBooks
    requests: ServerBucket | None = None
    tokens: ServerBucket | None = None
    settles: bool = False
    headers: bool = False
    refused: list[float] = field(default_factory=list)
    admitted: list[float] = field(default_factory=list)

    def run(self, asked: list[Asked]) -> Trial:
        """Run every request to its end; return this trial."""
        now, order = 1000.0, itertools.count()
        events: list[tuple[float, int, Callable[[float], None]]] = []

        def at(when: float, act: Callable[[float], None]) -> None:
            heapq.heappush(events, (when, next(order), act))

        def until(when: float) -> None:
            while events and events[0][0] <= when:
                moment, _, act = heapq.heappop(events)
                act(moment)

        for one in asked:
            now += one.gap_s
            until(now)
            while (wait_s := self.books.delay(one.prompt, one.ceiling, now)[0]) > 0.0:
                assert math.isfinite(wait_s)
                now += wait_s
                until(now)
            self._send(one, now, at)
        until(math.inf)
        return self

    def _send(self, one: Asked, now: float, at: Callable[[float, Callable[[float], None]], None]) -> None:
        charge = self.books.charge(one.prompt, one.ceiling, now)

        def arrive(moment: float) -> None:
            total = one.prompt + one.ceiling
            fits = [self.requests is None or self.requests.used(moment) + 1 <= self.requests.capacity * (1 + TINY)]
            fits.append(self.tokens is None or self.tokens.used(moment) + total <= self.tokens.capacity * (1 + TINY))
            if not all(fits):
                self.refused.append(moment)
                return
            if self.requests is not None:
                self.requests.admits(1, moment)
            if self.tokens is not None:
                self.tokens.admits(total, moment)
            self.admitted.append(moment)
            at(moment + one.service_s, finish)

        def finish(moment: float) -> None:
            if self.settles and self.tokens is not None:
                self.tokens.give(one.ceiling - one.completion, moment)
            facts = LimitFacts()
            if self.headers and self.tokens is not None:
                free = math.floor(self.tokens.capacity - self.tokens.used(moment))
                facts = LimitFacts(limit_tokens=self.tokens.capacity, remaining_tokens=free)
            at(moment + one.back_s, lambda received: answered(received, facts))

        def answered(moment: float, facts: LimitFacts) -> None:
            if self.settles:
                self.books.settle(charge, one.prompt, one.completion, moment)
            self.books.observe(facts, charge, moment)

        at(now + one.there_s, arrive)
