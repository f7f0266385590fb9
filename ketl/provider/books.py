"""Keeps the books of one model's limits: requests and tokens a minute and a day, as refilling buckets.

Nothing here reads a clock or waits: every method is handed `now`, in seconds of any monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ketl.errors import LimitReachedError
from ketl.provider.bucket import MAX_GUARD_S, Bucket
from ketl.provider.lessons import follow, learn_limit, level_after, spent
from ketl.provider.limits import DAY_KINDS, MINUTE_S, PERIOD_S, Limit, Limits, amount_of
from ketl.provider.protocol import LimitFacts
from ketl.provider.refunds import Refunds
from ketl.provider.untold import UntoldLimit

# A burst that reaches the server late starts the server's refill late, so ours must not run ahead of it;
# measured on loopback, more is learned when a refusal happens all the same.
GUARD_S = 0.03
UNTOLD = "PAUSE"
"""What holds requests back after refusals that name no limit, in place of a limit's name."""


@dataclass(slots=True)
class Charge:
    """What one attempt was booked with at admission, for settling it: tokens, when, and the books then."""

    prompt: float
    ceiling: float
    at: float
    tokens_before: float
    requests_before: float


class LaneBooks:
    """The buckets of one model; obeys them before sending and corrects them after every answer.

    With `auto` the limits are only assumed at first: then answers are followed, and `proven` says whether one
    came yet. While the limit of requests a minute is a guess, sends are paced so that few can be refused.
    """

    def __init__(self, limits: Limits, *, auto: bool = False) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.guard_s = GUARD_S
        self.paused_until = 0.0
        self._paused_by = ""
        self._untold: UntoldLimit | None = None
        self._known: dict[str, Limit] = {}
        self._refunds = Refunds()
        self._corrected_at = float("-inf")
        self._spent_tokens = 0.0
        self._spent_requests = 0.0
        self._under_way_tokens = 0.0
        self._under_way = 0
        self.adopt(limits, auto=auto)

    def adopt(self, limits: Limits, *, auto: bool) -> None:
        """Take other limits, keeping what is spent."""
        self.auto, self.proven, self._assumed = auto, not auto, auto
        kinds = limits.by_kind()
        for kind in {**kinds, **self._known}:
            self._set(kind, kinds.get(kind))

    @property
    def limits(self) -> Limits:
        """The limits as they are known now."""
        return Limits.of(self._known)

    def _set(self, kind: str, limit: Limit | None) -> None:
        """Make the bucket of `kind` have this limit, keeping what is spent; None: there is no such limit."""
        if limit is None:
            self._known.pop(kind, None)
            self.buckets.pop(kind, None)
            return
        self._known[kind] = limit
        bucket = self.buckets.get(kind)
        if bucket is None:
            self.buckets[kind] = Bucket(limit.rate, limit.burst, PERIOD_S[kind])
        else:
            bucket.capacity = float(limit.burst if limit.burst is not None else limit.rate)
            bucket.rate = limit.rate / PERIOD_S[kind]

    def levels(self, now: float) -> dict[str, float]:
        """Return what is spent and not yet refilled of every limit."""
        return {kind: bucket.level(now) for kind, bucket in self.buckets.items()}

    def delay(self, prompt: float, ceiling: float, now: float) -> tuple[float, str]:
        """Return the seconds until a request of this size may be sent, and the limit that binds ("" if none)."""
        worst, kind = max(0.0, self.paused_until - now), self._paused_by
        if self._untold is not None and (wait := self._untold.delay(now)) > worst:
            worst, kind = wait, UNTOLD
        for name, bucket in self.buckets.items():
            wait = bucket.delay(amount_of(name, 1.0, prompt, ceiling), now, self.guard_s)
            if wait > worst:
                worst, kind = wait, name
        return worst, (kind if worst > 0.0 else "")

    def charge(self, prompt: float, ceiling: float, now: float) -> Charge:
        """Book a request as sent: prompt + completion ceiling, as the provider does at admission."""
        # What is under way may reach the provider after this request, so its answer may not have seen it.
        charge = Charge(
            prompt, ceiling, now, self._spent_tokens - self._under_way_tokens, self._spent_requests - self._under_way
        )
        self._spent_tokens += prompt + ceiling
        self._spent_requests += 1
        self._under_way_tokens += prompt + ceiling
        self._under_way += 1
        if self._untold is not None:
            self._untold.sent(now)
            if self._untold.over:
                self._untold = None
        for name, bucket in self.buckets.items():
            bucket.spend(amount_of(name, 1.0, prompt, ceiling), now)
        return charge

    def over(self, charge: Charge) -> None:
        """Take in that a request is no longer under way, however it ended."""
        self._under_way_tokens -= charge.prompt + charge.ceiling
        self._under_way -= 1

    def settle(self, charge: Charge, prompt: float | None, completion: float | None, now: float) -> None:
        """Correct the books after an answer whose usage was this; None: unknown, the charge stands."""
        if prompt is None or completion is None:
            return
        # A book that the provider corrected since holds this request by the provider's own count.
        booked = prompt if self._corrected_at >= charge.at else charge.prompt
        unused = completion - charge.ceiling if self._refunds.given else 0.0
        for name in ("TPM", "TPD"):
            if name in self.buckets:
                self.buckets[name].spend(prompt - booked + unused, now)
        if "OTPM" in self.buckets:
            self.buckets["OTPM"].spend(unused, now)

    def give_back(self, charge: Charge, now: float) -> None:
        """Undo a charge that the provider did not take: the request was refused or never arrived."""
        self._spent_tokens -= charge.prompt + charge.ceiling
        self._spent_requests -= 1
        for name, bucket in self.buckets.items():
            bucket.spend(-amount_of(name, 1.0, charge.prompt, charge.ceiling), now)

    def observe(self, facts: LimitFacts, charge: Charge, now: float) -> None:
        """Correct the books by an answer's headers.

        A header is a snapshot taken somewhere between sending and receiving, so the truth now lies between
        (snapshot - refill since sending) and (snapshot + everything booked since sending).
        """
        if facts.limit_tokens is not None and facts.limit_tokens < charge.prompt:
            facts = replace(facts, limit_tokens=None, remaining_tokens=None)  # it took more than that at once
        if self.auto:
            self._follow(facts)
        tokens = self.buckets.get("TPM")
        if tokens is not None and facts.limit_tokens and facts.remaining_tokens is not None:
            said = spent(tokens, facts.limit_tokens, facts.remaining_tokens)
            since = self._spent_tokens - charge.tokens_before - charge.prompt - charge.ceiling
            behind = said - tokens.rate * (now - charge.at) - tokens.level(now)
            self._refunds.answered(behind, charge.ceiling)
            _clamp(tokens, said, since, now - charge.at, now)
        requests = self.buckets.get("RPD")
        if requests is not None and facts.limit_requests and facts.remaining_requests is not None:
            said = spent(requests, facts.limit_requests, facts.remaining_requests)
            since = self._spent_requests - charge.requests_before - 1
            _clamp(requests, said, since, now - charge.at, now)

    def _follow(self, facts: LimitFacts) -> None:
        """Follow what the headers say in place of limits that were assumed, or that changed."""
        silent = facts.limit_tokens is None and facts.limit_requests is None
        same = self._rate("TPM") == facts.limit_tokens and self._rate("RPD") == facts.limit_requests
        if not same and (self._assumed or not silent):
            for kind, limit in follow(facts, self._known).items():
                self._set(kind, limit)
        self.proven, self._assumed = True, False

    def _rate(self, kind: str) -> float | None:
        limit = self._known.get(kind)
        return None if limit is None else limit.rate

    def refused(self, error: LimitReachedError, charge: Charge, now: float) -> bool:
        """Learn from a refusal: its kind's limit, how much is spent, and how long to wait.

        Returns whether it told a limit that was not known.
        """
        self.give_back(charge, now)
        kind = error.kind if error.kind in PERIOD_S else None
        bucket = self.buckets.get(kind or "")
        if bucket is not None and kind in ("TPM", "OTPM", "TPD") and error.used is not None:
            self._refunds.refused(error.used - bucket.level(now), charge.ceiling, bucket.capacity)
        if kind == "ITPM":
            kind = "TPM"  # stricter than the truth, and the one bucket that prompts are booked in
        if kind is None or not error.limit:
            if error.kind in DAY_KINDS and error.wait_s is not None and error.wait_s > MINUTE_S:
                # A day's limit whose figure was not told is spent all the same, so its kind must be known.
                if now + error.wait_s > self.paused_until:
                    self.paused_until, self._paused_by = now + error.wait_s, error.kind
                return False
            if not error.too_large:  # which says nothing of how many may be sent
                self._refused_untold(error.wait_s, charge, now)
            return False
        known = self._known.get(kind)
        news = known is None or known.rate != error.limit
        if not news and not error.too_large and charge.at > self._corrected_at:
            # The limit was known and it refused all the same: our clock ran ahead of the provider's. Others of
            # the same burst, sent before the last correction, say nothing new.
            self.guard_s = min(MAX_GUARD_S, self.guard_s * 2)
        self.proven = True
        self._set(kind, learn_limit(kind, error.limit, error, known))
        bucket = self.buckets[kind]
        # The provider's bucket is full, so what was sent after this request is in that level or refused, too.
        booked = amount_of(kind, 1.0, charge.prompt, charge.ceiling)
        bucket.set_level(level_after(error, booked, bucket, now), now)
        self._corrected_at = now
        return news

    def _refused_untold(self, wait_s: float | None, charge: Charge, now: float) -> None:
        """Take in a refusal that tells no limit: what was only assumed is not the one that counts here."""
        if self._assumed:
            for kind in list(self._known):
                self._set(kind, None)
            self.proven = True
        if self._untold is None:
            self._untold = UntoldLimit(wait_s, now)
        else:
            self._untold.refused(charge.at, wait_s, now)


def _clamp(bucket: Bucket, said: float, since: float, elapsed_s: float, now: float) -> None:
    """Bring a book between the least and the most that it may be, given what the provider said."""
    level = bucket.level(now)
    low = max(0.0, said - bucket.rate * elapsed_s)
    high = said + max(0.0, since)
    if level < low:
        bucket.set_level(low, now)
    elif level > high:
        bucket.set_level(high, now)
