"""One model's lane: its books, what it has shown of its speed and token use, and whether it is open."""

from __future__ import annotations

from dataclasses import replace

from ketl.provider.books import LaneBooks
from ketl.provider.limits import Limits
from ketl.provider.models import Model
from ketl.provider.service_times import ServiceTimes
from ketl.provider.token_factors import TokenFactors

_BELIEVABLE = 1.5
_BREAK_AFTER = 5
_MAX_OPEN_S = 30.0


class Lane:
    """One model of one provider account, shared by every run in the process.

    Holds books and figures but nothing of an event loop, so it may outlive the loop it is used in.
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

    def failed(self, now: float) -> bool:
        """Take in a failure of the provider; after five in a row the lane closes for a while.

        Returns whether it was open and closes now.
        """
        was_open = now >= self.closed_until
        self._failures += 1
        if self._failures < _BREAK_AFTER:
            return False
        self._openings += 1
        self._failures = _BREAK_AFTER - 1  # the next failure, of the single probe, closes it again
        self.closed_until = now + min(_MAX_OPEN_S, 0.5 * 2.0**self._openings)
        return was_open

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
