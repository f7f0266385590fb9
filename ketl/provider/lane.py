"""One model's lane: its books, what it has shown of its speed and token use, and whether it is open."""

from __future__ import annotations

from dataclasses import replace

from ketl.provider.books import LaneBooks
from ketl.provider.limits import Limits
from ketl.provider.models import Model
from ketl.provider.room_credit import RoomCredit
from ketl.provider.service_times import ServiceTimes
from ketl.provider.token_factors import TokenFactors
from ketl.provider.window import Window

_BREAK_AFTER = 5
# So often, and of so many texts, nothing came that could be used: more than a few odd ones.
_BARREN_MOST = 6
_MAX_OPEN_S = 10.0
# A failure or refusal so long after the last one begins another story; but for a day's limit, which is no such story,
# no wait that is believed is as long.
_NEW_TROUBLE_S = 120.0


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
        self.credit = RoomCredit()
        self.in_flight = 0
        self.gone: str | None = None
        self.exhausted_until = 0.0
        self.sent = 0
        self.answered = 0
        self._failures = 0
        self._openings = 0
        self.closed_until = 0.0
        self.closed_for = ""
        self.left_for = ""
        self.answered_at = float("-inf")
        self._failed_at = self.failing_since = float("-inf")
        self._brought = False
        self._barren: set[tuple[str, bytes]] = set()
        self._barren_times = 0
        self._barren_at = self.barren_since = float("-inf")
        self._unanswered_since = float("inf")
        self._unanswered_at = float("-inf")
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
        self._unanswered_since = float("inf")
        self._failures = 0
        self._openings = 0
        self.closed_until = 0.0
        self.answered += 1

    def fruitful(self) -> None:
        """Take in that an answer brought a text."""
        self._brought = True

    def barren(self, tag: str, text: bytes, languages: int, sent_at: float, now: float) -> bool:
        """Take in an answer of which nothing could be used, to a request that begins with this text.

        Returns whether that is all that the model brings, since `barren_since`: again and again (what was in flight
        together counts once), of different texts, in more than one language of a run that has so many. One that ever
        brought a text is not left for those it cannot do.
        """
        if self._brought:
            return False
        if not self._barren:
            self.barren_since = now
        if sent_at >= self._barren_at:
            self._barren_times += 1
            self._barren_at = now
        self._barren.add((tag, text))
        tags = {tag for tag, _ in self._barren}
        return min(self._barren_times, len(self._barren)) >= _BARREN_MOST and len(tags) >= min(2, languages)

    def leave(self, until: float, reason: str) -> None:
        """Send nothing in this lane until then, for a reason in words; what it does after that is judged anew."""
        self.exhausted_until = until
        self.left_for = reason
        self._barren.clear()
        self._barren_times = 0
        self.credit.renew()

    def unanswered(self, now: float) -> float:
        """Take in that an attempt brought no answer; return for how many seconds none has."""
        if now - self._unanswered_at > _NEW_TROUBLE_S:
            self._unanswered_since = now
        self._unanswered_at = now
        self._unanswered_since = min(self._unanswered_since, now)
        return now - self._unanswered_since

    def failed(self, sent_at: float, now: float) -> bool:
        """Take in a failure of the provider; return whether there were five in a row, the first at `failing_since`.

        What was in flight together fails together and counts once: a broken connection, a restarted server.
        """
        if sent_at < self._failed_at:
            return self._failures >= _BREAK_AFTER
        if not self._failures:
            self.failing_since = now
        self._failed_at = now
        self._failures += 1
        return self._failures >= _BREAK_AFTER

    def close_for_a_while(self, now: float, why: str) -> bool:
        """Send nothing in this lane for a time that doubles, then a single request; return whether it was open.

        `why` says what the model did, in words that follow its name.
        """
        was_open = now >= self.closed_until
        if was_open:
            self.closed_for = why
        self._openings += 1
        self._failures = _BREAK_AFTER - 1  # the next failure, of the single probe, closes it again
        self.closed_until = now + min(_MAX_OPEN_S, 0.5 * 2.0 ** min(self._openings, 10))
        return was_open

    def ceiling(self, tag: str, expected_tokens: float, widening: float = 1.0) -> int:
        """Return the completion ceiling for an answer expected to take `expected_tokens` in this language.

        `widening` multiplies the room for what is written, where an answer broke off.
        """
        hidden = max(2 * self.model.reasoning_tokens, int(self.tokens.hidden))
        return min(self.tokens.ceiling(tag, expected_tokens, widening) + hidden, self.model.max_completion_tokens)

    def beyond(self, tag: str, expected_tokens: float, ceiling: int) -> int:
        """Return the tokens of `ceiling` that no whole answer and no table calls for."""
        ordinary = self.tokens.ordinary(tag, expected_tokens) + 2 * self.model.reasoning_tokens
        return max(0, ceiling - ordinary)

    def writes_at_most(self, tokens: int) -> None:
        """Take in the provider's own ceiling for an answer, where it is below what the table says."""
        if tokens < self.model.max_completion_tokens:
            self.model = replace(self.model, max_completion_tokens=tokens)

    def open_at(self, now: float) -> bool:
        """Whether the breaker lets requests pass: closed lanes pass nothing, a lane on probation one at a time."""
        if now < self.closed_until:
            return False
        return self._openings == 0 or self.in_flight == 0
