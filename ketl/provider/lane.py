"""One model's lane: its books, what it has shown of its speed and token use, and whether it is open."""

from __future__ import annotations

from dataclasses import replace

from ketl.provider.books import LaneBooks
from ketl.provider.limits import Limits
from ketl.provider.models import Model
from ketl.provider.protocol import Reply
from ketl.provider.service_times import ServiceTimes
from ketl.provider.token_factors import TokenFactors
from ketl.provider.window import Window

_BREAK_AFTER = 5
# So many answers without a word, each with at least this much room and twice that of the last, are no lack of room.
_STARVED_MOST = 3
_ROOM_TOKENS = 1_024
_MAX_OPEN_S = 30.0
# A refusal so long after the last one begins another story; but for a day's, which is no such story, no wait that is
# believed is as long.
_NEW_REFUSAL_S = 120.0


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
        self.window = Window()
        self.in_flight = 0
        self.gone: str | None = None
        self.exhausted_until = 0.0
        self.sent = 0
        self.answered = 0
        self._failures = 0
        self._openings = 0
        self.closed_until = 0.0
        self.closed_for = ""
        self.answered_at = float("-inf")
        self._failed_at = float("-inf")
        self._starved = self._starved_at = 0
        self._refused_since = float("inf")
        self._refused_at = float("-inf")
        self._changed_at = float("-inf")

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

    def succeeded(self, now: float) -> None:
        """Take in an answer: the lane is healthy."""
        self.answered_at = now
        self._refused_since = float("inf")
        self._failures = 0
        self._openings = 0
        self.closed_until = 0.0
        self.answered += 1

    def believed(self, reply: Reply) -> Reply:
        """Return an answer without a usage that cannot be true: no request takes more tokens than the model holds."""
        if max(reply.prompt_tokens or 0, reply.completion_tokens or 0) <= self.model.context_tokens:
            return reply
        return replace(reply, prompt_tokens=None, completion_tokens=None, cached_tokens=0, reasoning_tokens=None)

    def wrote(self, ceiling: int, *, starved: bool) -> bool:
        """Take in an answer; return whether the model has used up all its room, however wide, and written nothing.

        Once it did so with much room, wider ones are tried one at a time.
        """
        if not starved:
            self._starved = self._starved_at = 0
        elif ceiling >= max(_ROOM_TOKENS, 2 * self._starved_at):
            self._starved += 1
            self._starved_at = ceiling
        return self._starved >= _STARVED_MOST

    def refused(self, now: float) -> float:
        """Take in that a limit refused a request; return for how many seconds all of them have been refused."""
        if now - self._refused_at > _NEW_REFUSAL_S:
            self._refused_since = now
        self._refused_at = now
        self._refused_since = min(self._refused_since, now)
        return now - self._refused_since

    def failed(self, sent_at: float, now: float) -> bool:
        """Take in a failure of the provider; after five in a row the lane closes for a while.

        What was in flight together fails together and counts once: a broken connection, a restarted server. Returns
        whether the lane was open and closes now.
        """
        if sent_at < self._failed_at:
            return False
        self._failed_at = now
        self._failures += 1
        return self._failures >= _BREAK_AFTER and self.close_for_a_while(now, "failed several times in a row")

    def close_for_a_while(self, now: float, why: str) -> bool:
        """Send nothing in this lane for a time that doubles, then a single request; return whether it was open.

        `why` says what the model did, in words that follow its name.
        """
        was_open = now >= self.closed_until
        if was_open:
            self.closed_for = why
        self._openings += 1
        self._failures = _BREAK_AFTER - 1  # the next failure, of the single probe, closes it again
        self.closed_until = now + min(_MAX_OPEN_S, 0.5 * 2.0**self._openings)
        return was_open

    def ceiling(self, tag: str, expected_tokens: float) -> int:
        """Return the completion ceiling for an answer expected to take `expected_tokens` in this language."""
        hidden = max(2 * self.model.reasoning_tokens, int(self.tokens.hidden))
        return min(self.tokens.ceiling(tag, expected_tokens) + hidden, self.model.max_completion_tokens)

    def writes_at_most(self, tokens: int) -> None:
        """Take in the provider's own ceiling for an answer, where it is below what the table says."""
        if tokens < self.model.max_completion_tokens:
            self.model = replace(self.model, max_completion_tokens=tokens)

    def open_at(self, now: float) -> bool:
        """Whether the breaker lets requests pass: closed lanes pass nothing, a lane on probation one at a time."""
        if now < self.closed_until:
            return False
        return self.in_flight == 0 or (self._openings == 0 and self._starved == 0)
