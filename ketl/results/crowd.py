"""How many requests a run had in flight, and for how long: what the server's work is worked out from. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the answers of a model's server show of how it works.

    `at_once` is the number of requests it works on at a time, None where no queue is seen; `sure` whether no other
    number explains them nearly as well; `apart` whether they show that none waits for another; `whole` whether it is
    one queue for all models.
    """

    at_once: int | None = None
    sure: bool = False
    apart: bool = False
    whole: bool = False


class Crowd:
    """Adds up the seconds in which each number of requests was in flight."""

    def __init__(self) -> None:
        self._now = 0
        self._since = 0.0
        self._seconds: dict[int, float] = {}

    def step(self, at_s: float, by: int) -> None:
        """Take in that at `at_s` so many more requests were in flight, or fewer."""
        self._seconds[self._now] = self._seconds.get(self._now, 0.0) + max(0.0, at_s - self._since)
        self._since = max(self._since, at_s)
        self._now += by

    def worked_s(self, at_once: int) -> float:
        """Return the seconds of work of a server that takes `at_once` requests at a time: the others waited.

        A server that never rests while requests wait works at every moment on as many as there are, at most on
        `at_once`, whatever the order in which it takes them.
        """
        return sum(min(number, at_once) * seconds for number, seconds in self._seconds.items())


# What a request lies in the provider's own line is part of every request's time, also of one alone; where it is more
# than so much of the work, it is the line of many at once.
_ALWAYS_QUEUED = 0.75
# Work that is told to be less than so much of the time in which something was asked for is no work of seconds.
_CREDIBLE = 0.1


def work_of(shown: Shown, crowd: Crowd, *, said_s: float | None, queued_s: float, raw_s: float) -> float | None:
    """Return the seconds of work in a model's answers: what one after another would take; None where unknown.

    The provider's own times come first, `said_s` being their sum where every answer had one, and `queued_s` that of
    what they lay in its line before, which counts where none is seen to wait for another. Else what the answers show
    counts: of a queue, the work at its end; of none, the whole of their `raw_s`.
    """
    if said_s is not None and said_s >= _CREDIBLE * crowd.worked_s(1):
        return said_s + (queued_s if shown.apart and queued_s <= _ALWAYS_QUEUED * said_s else 0.0)
    if shown.at_once is not None:
        return crowd.worked_s(shown.at_once) if shown.sure else None
    return raw_s if shown.apart else None
