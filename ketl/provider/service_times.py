"""How long a model's answers take: the line through those seen, the spread around it, and what counts as late."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ketl.provider.models import Model

# A hedge starts beyond max(1.5 × p95, 2.5 × median), the trigger that cost least over long-tailed answers; where the
# p97.5 is known and answers end soon after it, a twentieth beyond that is as rare, and sooner.
_HEDGES = ((0.05, 1.5, 2.5), (0.025, 1.05, 1.6))
_WINDOW = 300
_REFIT_EVERY = 16
_MIN_ANSWERS = 8
_DEADLINE_FACTOR = 6.0
_MIN_DEADLINE_S = 10.0
# How long a server may be silent that has shown nothing of its speed yet: small ones take more than a minute for one
# answer, and what is given up too early is paid for twice.
_UNKNOWN_DEADLINE_S = 120.0


class ServiceTimes:
    """Learns how long answers take: seconds = a + b × expected completion tokens, and the spread around it.

    Least squares over the last answers, all weighing the same: in a burst the slow ones come last, so any
    forgetting would take them for the rule.
    """

    def __init__(self, model: Model) -> None:
        self.shortest_s: float | None = None
        self.begin_anew(model)

    def begin_anew(self, model: Model) -> None:
        """Forget what was learned of it, but for the shortest answer seen."""
        self._prior_slope = 1.0 / model.tokens_per_s
        self._a, self._b = model.first_token_s, self._prior_slope
        self._pairs: deque[tuple[float, float]] = deque()
        self._sx = self._sy = self._sxx = self._sxy = 0.0
        self._median = 1.0
        self._p95 = 1.6
        self._soonest = 2.5
        self._stale = 0
        self._longest_s = 0.0
        self.answers = 0

    def predict(self, tokens: float) -> float:
        """Return the expected seconds for an answer of about `tokens` completion tokens."""
        return self._a + self._b * tokens

    def learn(self, tokens: float, seconds: float) -> None:
        """Take in one answer's expected tokens and measured seconds."""
        self.answers += 1
        self.shortest_s = seconds if self.shortest_s is None else min(self.shortest_s, seconds)
        self._longest_s = max(self._longest_s, seconds)
        self._pairs.append((tokens, seconds))
        self._add(tokens, seconds, 1.0)
        if len(self._pairs) > _WINDOW:
            self._add(*self._pairs.popleft(), -1.0)
        self._stale += 1
        if self._stale >= _REFIT_EVERY or self.answers <= _MIN_ANSWERS:
            self._refit()

    def _add(self, x: float, y: float, sign: float) -> None:
        self._sx += sign * x
        self._sy += sign * y
        self._sxx += sign * x * x
        self._sxy += sign * x * y

    def _refit(self) -> None:
        self._stale = 0
        n = len(self._pairs)
        mean_x, mean_y = self._sx / n, self._sy / n
        var = self._sxx / n - mean_x * mean_x
        slope = self._prior_slope
        if n >= _MIN_ANSWERS and var > 1e-6 * mean_x * mean_x:
            slope = max(0.0, (self._sxy / n - mean_x * mean_y) / var)
        self._b = min(slope, mean_y / mean_x) if mean_x > 0 else 0.0
        self._a = mean_y - self._b * mean_x
        if n >= 64 and self.answers % 64 >= _REFIT_EVERY:
            return  # the spread moves slowly, and sorting costs more than the rest of an answer's books
        ordered = self._ratios()
        self._median = ordered[n // 2]
        self._p95 = ordered[min(n - 1, int(0.95 * n))]
        self._soonest = min(
            max(late * ordered[min(n - 1, int((1.0 - left) * n))], middling * self._median)
            for left, late, middling in _HEDGES
        )

    def _ratios(self) -> list[float]:
        """Return the answers' seconds divided by what is predicted for them now, in order."""
        return sorted(y / max(1e-6, self._a + self._b * x) for x, y in self._pairs)

    @property
    def known(self) -> bool:
        """Whether enough answers came for the spread to mean something."""
        return self.answers >= _MIN_ANSWERS

    def may_be_late(self, tokens: float, elapsed_s: float) -> bool:
        """Whether an attempt is past the hedge trigger of the answers so far: a quick look before `lateness`."""
        return elapsed_s > self.predict(tokens) * self._soonest

    def lateness(self, ages: Sequence[float]) -> float:
        """Return the hedge trigger in units of the predicted time, given the ages in flight in the same unit.

        The answers so far are the quick ones when a burst has just gone out, so their percentiles would be far too
        low. The product-limit estimate (Kaplan and Meier, 1958) counts those still in flight as "longer
        than their age"; infinite while fewer than 95 % are known to have ended.
        """
        ordered = self._ratios()
        older = sorted(ages)
        waiting, alive, median, soonest = 0, 1.0, float("inf"), float("inf")
        hedges = list(_HEDGES)
        for position, ratio in enumerate(ordered):
            while waiting < len(older) and older[waiting] < ratio:
                waiting += 1
            alive *= 1.0 - 1.0 / (len(ordered) - position + len(older) - waiting)
            if alive <= 0.5 and median == float("inf"):
                median = ratio
            while hedges and alive <= hedges[0][0]:
                _, late, middling = hedges.pop(0)
                soonest = min(soonest, max(late * ratio, middling * median))
            if not hedges:
                break
        return soonest

    def deadline(self, tokens: float) -> float:
        """Return the seconds after which an attempt is given up, if nothing speaks for waiting on."""
        if not self.known:
            return max(_UNKNOWN_DEADLINE_S, _DEADLINE_FACTOR * self._longest_s)
        return max(_MIN_DEADLINE_S, _DEADLINE_FACTOR * self._p95 * self.predict(tokens))
