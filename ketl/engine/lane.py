"""One model's lane: its books, what it has shown of its speed and token use, and whether it is open."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ketl.limits import LaneBooks, Limits
from ketl.models import Model

_DECAY = 0.98  # weight of the past in the learned figures: the last 50 answers count for two thirds
_MIN_ANSWERS = 8
HEDGE_P95 = 1.5  # a hedge starts beyond max(1.5 × p95, 2.5 × median), the trigger that cost least
HEDGE_MEDIAN = 2.5
_DEADLINE_FACTOR = 6.0
_MIN_DEADLINE_S = 10.0
_MAX_DEADLINE_S = 90.0
_BREAK_AFTER = 5
_MAX_OPEN_S = 30.0


class ServiceTimes:
    """Learns how long answers take: seconds = a + b × expected completion tokens, and the spread around it."""

    def __init__(self, model: Model) -> None:
        self._prior = (model.first_token_s, 1.0 / model.tokens_per_s)
        self._a, self._b = self._prior
        self._n = self._sx = self._sy = self._sxx = self._sxy = 0.0
        self._ratios: deque[float] = deque(maxlen=200)
        self._median = 1.0
        self._p95 = 1.6
        self._stale = 0
        self.shortest_s: float | None = None
        self.answers = 0

    def predict(self, tokens: float) -> float:
        """Return the expected seconds for an answer of about `tokens` completion tokens."""
        return self._a + self._b * tokens

    def learn(self, tokens: float, seconds: float) -> None:
        """Take in one answer's expected tokens and measured seconds."""
        self.answers += 1
        self.shortest_s = seconds if self.shortest_s is None else min(self.shortest_s, seconds)
        self._ratios.append(seconds / max(1e-6, self.predict(tokens)))
        self._n = self._n * _DECAY + 1.0
        self._sx = self._sx * _DECAY + tokens
        self._sy = self._sy * _DECAY + seconds
        self._sxx = self._sxx * _DECAY + tokens * tokens
        self._sxy = self._sxy * _DECAY + tokens * seconds
        self._stale += 1
        if self._stale >= 8 or self.answers <= _MIN_ANSWERS:
            self._refit()

    def _refit(self) -> None:
        self._stale = 0
        mean_x, mean_y = self._sx / self._n, self._sy / self._n
        var = self._sxx / self._n - mean_x * mean_x
        cov = self._sxy / self._n - mean_x * mean_y
        slope = max(0.0, cov / var) if var > 1e-9 and self.answers >= _MIN_ANSWERS else self._prior[1]
        slope = min(slope, mean_y / mean_x) if mean_x > 0 else 0.0
        before = self._a + self._b * mean_x
        self._a, self._b = mean_y - slope * mean_x, slope
        after = mean_y
        if self.answers <= _MIN_ANSWERS and after > 0:
            # Early ratios were taken against the table's guess; carry them over to the learned scale.
            factor = before / after
            self._ratios = deque((r * factor for r in self._ratios), maxlen=200)
        ordered = sorted(self._ratios)
        self._median = ordered[len(ordered) // 2]
        self._p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]

    @property
    def known(self) -> bool:
        """Whether enough answers came for the spread to mean something."""
        return self.answers >= _MIN_ANSWERS

    def hedge_after(self, tokens: float) -> float:
        """Return the seconds after which an answer is so late that a second attempt pays."""
        return self.predict(tokens) * max(HEDGE_P95 * self._p95, HEDGE_MEDIAN * self._median)

    def deadline(self, tokens: float) -> float:
        """Return the seconds after which an attempt is given up."""
        if not self.known:
            return _MAX_DEADLINE_S
        late = _DEADLINE_FACTOR * self._p95 * self.predict(tokens)
        return min(_MAX_DEADLINE_S, max(_MIN_DEADLINE_S, late))


@dataclass(slots=True)
class _Factor:
    answers: int = 0
    mean: float = 1.0
    high: float = 0.0


class TokenFactors:
    """Learns, by language, how many tokens a model really uses against what the tables expect."""

    def __init__(self) -> None:
        self.prompt = 1.0
        self._prompt_answers = 0
        self._by_tag: dict[str, _Factor] = {}

    def learn(self, tag: str, expected_prompt: float, prompt: float, expected: float, completion: float) -> None:
        """Take in one answer's usage against what was expected for it."""
        ratio = prompt / max(1.0, expected_prompt)
        weight = max(0.05, 1.0 / (self._prompt_answers + 1))
        self.prompt += weight * (ratio - self.prompt)
        self._prompt_answers += 1
        factor = self._by_tag.setdefault(tag, _Factor())
        ratio = completion / max(1.0, expected)
        factor.mean += max(0.05, 1.0 / (factor.answers + 1)) * (ratio - factor.mean)
        factor.high = max(ratio, factor.high * 0.99)
        factor.answers += 1

    def cut_off(self, tag: str) -> None:
        """Take in that a ceiling was too low for this language."""
        factor = self._by_tag.setdefault(tag, _Factor())
        factor.high = max(1.6, factor.high) * 1.5

    def expected(self, tag: str, tokens: float) -> float:
        """Return the completion tokens to expect where the table expects `tokens`."""
        factor = self._by_tag.get(tag)
        return tokens * factor.mean if factor and factor.answers else tokens

    def ceiling(self, tag: str, tokens: float) -> int:
        """Return the `max_completion_tokens` to ask for: room enough, since all of it is charged at admission."""
        factor = self._by_tag.get(tag)
        margin = 1.7 if factor is None or factor.answers < 3 else min(4.0, factor.high * 1.2 + 0.05)
        if factor is not None and factor.answers < 3:
            margin = max(margin, factor.high)
        return int(tokens * margin) + 16


class Lane:
    """One model of one provider account, shared by every run in the process.

    Holds plain numbers only, so it may outlive the event loop it is used in.
    """

    def __init__(self, model: Model, limits: Limits, *, auto: bool, plan: str = "") -> None:
        self.model = model
        self.plan = plan
        self.books = LaneBooks(limits, auto=auto)
        self.times = ServiceTimes(model)
        self.tokens = TokenFactors()
        self.in_flight = 0
        self.gone: str | None = None
        self.exhausted_until = 0.0
        self.sent = 0
        self.answered = 0
        self.first_sent_at = 0.0
        self.pace_at = 0.0
        self.pace_left = 0
        self._failures = 0
        self._openings = 0
        self.closed_until = 0.0

    def succeeded(self) -> None:
        """Take in an answer: the lane is healthy."""
        self._failures = 0
        self._openings = 0
        self.closed_until = 0.0
        self.answered += 1

    def failed(self, now: float) -> None:
        """Take in a failure of the provider; after five in a row the lane closes for a while."""
        self._failures += 1
        if self._failures >= _BREAK_AFTER:
            self._openings += 1
            self._failures = _BREAK_AFTER - 1  # the next failure, of the single probe, closes it again
            self.closed_until = now + min(_MAX_OPEN_S, 0.5 * 2.0**self._openings)

    def ceiling(self, tag: str, expected_tokens: float) -> int:
        """Return the completion ceiling for an answer expected to take `expected_tokens` in this language."""
        room = self.tokens.ceiling(tag, expected_tokens) + 2 * self.model.reasoning_tokens
        return min(room, self.model.max_completion_tokens)

    def open_at(self, now: float) -> bool:
        """Whether the breaker lets requests pass: closed lanes pass nothing, a lane on probation one at a time."""
        if now < self.closed_until:
            return False
        return self._openings == 0 or self.in_flight == 0
