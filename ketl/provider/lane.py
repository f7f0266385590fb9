"""One model's lane: its books, what it has shown of its speed and token use, and whether it is open."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ketl.provider.books import LaneBooks
from ketl.provider.models import Model
from ketl.provider.tiers import Limits

_WINDOW = 300
_REFIT_EVERY = 16
_MIN_ANSWERS = 8
_UNKNOWN_VOCABULARY = 1.2
_BELIEVABLE = 1.5
HEDGE_P95 = 1.5  # a hedge starts beyond max(1.5 × p95, 2.5 × median), the trigger that cost least
HEDGE_MEDIAN = 2.5
_DEADLINE_FACTOR = 6.0
_MIN_DEADLINE_S = 10.0
_MAX_DEADLINE_S = 90.0
_BREAK_AFTER = 5
_MAX_OPEN_S = 30.0


class ServiceTimes:
    """Learns how long answers take: seconds = a + b × expected completion tokens, and the spread around it.

    Least squares over the last answers, all weighing the same: in a burst the slow ones come last, so any
    forgetting would take them for the rule.
    """

    def __init__(self, model: Model) -> None:
        self._prior_slope = 1.0 / model.tokens_per_s
        self._a, self._b = model.first_token_s, self._prior_slope
        self._pairs: deque[tuple[float, float]] = deque()
        self._sx = self._sy = self._sxx = self._sxy = 0.0
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

    def _ratios(self) -> list[float]:
        """Return the answers' seconds divided by what is predicted for them now, in order."""
        return sorted(y / max(1e-6, self._a + self._b * x) for x, y in self._pairs)

    @property
    def known(self) -> bool:
        """Whether enough answers came for the spread to mean something."""
        return self.answers >= _MIN_ANSWERS

    def may_be_late(self, tokens: float, elapsed_s: float) -> bool:
        """Whether an attempt is past the hedge trigger of the answers so far: a quick look before `lateness`."""
        return elapsed_s > self.predict(tokens) * max(HEDGE_P95 * self._p95, HEDGE_MEDIAN * self._median)

    def lateness(self, ages: Sequence[float]) -> float:
        """Return the hedge trigger in units of the predicted time, given the ages in flight in the same unit.

        The answers so far are the quick ones when a burst has just gone out, so their p95 would be far too
        low. The product-limit estimate (Kaplan and Meier, 1958) counts those still in flight as "longer
        than their age"; infinite while fewer than 95 % are known to have ended.
        """
        ordered = self._ratios()
        older = sorted(ages)
        waiting, alive, median = 0, 1.0, float("inf")
        for position, ratio in enumerate(ordered):
            while waiting < len(older) and older[waiting] < ratio:
                waiting += 1
            alive *= 1.0 - 1.0 / (len(ordered) - position + len(older) - waiting)
            if alive <= 0.5 and median == float("inf"):
                median = ratio
            if alive <= 0.05:
                return max(HEDGE_P95 * ratio, HEDGE_MEDIAN * median)
        return float("inf")

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
        self._prompt = 1.0
        self._prompt_answers = 0
        self._by_tag: dict[str, _Factor] = {}

    def learn(self, tag: str, expected_prompt: float, prompt: float, expected: float, completion: float) -> None:
        """Take in one answer's usage against what was expected for it."""
        ratio = prompt / max(1.0, expected_prompt)
        weight = max(0.05, 1.0 / (self._prompt_answers + 1))
        self._prompt += weight * (ratio - self._prompt)
        self._prompt_answers += 1
        factor = self._by_tag.setdefault(tag, _Factor())
        ratio = completion / max(1.0, expected)
        factor.mean += max(0.05, 1.0 / (factor.answers + 1)) * (ratio - factor.mean)
        factor.high = max(ratio, factor.high * 0.99)
        factor.answers += 1

    @property
    def prompt_mean(self) -> float:
        """What prompts took on average, by what was expected; 1 before the first answer."""
        return self._prompt

    @property
    def prompt(self) -> float:
        """What to multiply expected prompt tokens by: unknown vocabularies count up to a fifth more."""
        return self._prompt * 1.03 if self._prompt_answers >= 3 else max(_UNKNOWN_VOCABULARY, self._prompt)

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
        self.probe_at = 0.0
        self.probes = 0
        self.past_likeliest = False
        self._failures = 0
        self._openings = 0
        self.closed_until = 0.0
        self._changed_at = float("-inf")
        self._closest = float("inf")

    def goes_without(self, field: str, sent_at: float, now: float) -> bool:
        """Leave out a body field that the model refused; False when there is nothing left to leave out.

        Requests sent before the last such change are refused for the same old reason: they just go again.
        """
        if sent_at < self._changed_at:
            return True
        model = self.model
        if field == "reasoning" and model.reasoning:
            self.model = replace(model, reasoning={})
        elif field == "response_format" and model.json_schema:
            self.model = replace(model, json_schema=False)
        elif field == "response_format" and model.json_object:
            self.model = replace(model, json_object=False)
        else:
            return False
        self._changed_at = now
        return True

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

    def service_seconds(self, seconds: float, said_s: float | None, trip_s: float) -> float:
        """Return how long the provider took for an answer that came after `seconds`.

        With hundreds in flight part of what we measure is our own queueing, which a loop of single calls would
        not have. The provider's own figure is believed if it ever came close to ours.
        """
        if said_s is None:
            return seconds
        self._closest = min(self._closest, seconds / said_s)
        return min(seconds, said_s + trip_s) if self._closest <= _BELIEVABLE else seconds

    def ceiling(self, tag: str, expected_tokens: float) -> int:
        """Return the completion ceiling for an answer expected to take `expected_tokens` in this language."""
        room = self.tokens.ceiling(tag, expected_tokens) + 2 * self.model.reasoning_tokens
        return min(room, self.model.max_completion_tokens)

    def open_at(self, now: float) -> bool:
        """Whether the breaker lets requests pass: closed lanes pass nothing, a lane on probation one at a time."""
        if now < self.closed_until:
            return False
        return self._openings == 0 or self.in_flight == 0
