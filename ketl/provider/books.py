"""Keeps the books of one model's limits: requests and tokens a minute and a day, as refilling buckets.

Nothing here reads a clock or waits: every method is handed `now`, in seconds of any monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ketl.errors import LimitReachedError
from ketl.provider.bucket import MAX_GUARD_S, Bucket
from ketl.provider.limits import PERIOD_S, Limits, amount_of
from ketl.provider.protocol import LimitFacts
from ketl.provider.tiers import DEVELOPER, TIERS

# A burst that reaches the server late starts the server's refill late, so ours must not run ahead of it;
# measured on loopback, more is learned when a refusal happens all the same.
GUARD_S = 0.03


@dataclass(slots=True)
class Charge:
    """What one attempt was booked with at admission, for settling it: tokens, when, and the books then."""

    prompt: float
    ceiling: float
    at: float
    tokens_before: float
    requests_before: float


class LaneBooks:
    """The buckets of one model; obeys them before sending and corrects them after every answer."""

    def __init__(self, limits: Limits, *, auto: bool = False) -> None:
        self.auto = auto
        self.guard_s = GUARD_S
        self._told: set[str] = set()
        self._assumed = auto
        self._corrected_at = float("-inf")
        self.buckets: dict[str, Bucket] = {}
        self.paused_until = 0.0
        # While the requests-per-minute limit is a guess, sends are paced so that few can be refused.
        self.proven = not auto
        self._spent_tokens = 0.0
        self._spent_requests = 0.0
        self._under_way_tokens = 0.0
        self._under_way = 0
        self._kept = 0
        self._returned = 0
        self.limits = limits
        self._build(limits)

    def adopt(self, limits: Limits, *, auto: bool) -> None:
        """Take other limits, keeping what is spent."""
        self.auto, self.proven, self._assumed = auto, not auto, auto
        self._build(limits)

    def _build(self, limits: Limits) -> None:
        self.limits = limits
        for kind, limit, burst in (
            ("RPM", limits.rpm, limits.rpm_burst),
            ("TPM", limits.tpm, limits.tpm_burst),
            ("RPD", limits.rpd, None),
            ("TPD", limits.tpd, None),
            ("OTPM", limits.otpm, None),
        ):
            if limit is None:
                self.buckets.pop(kind, None)
                continue
            self._set(kind, limit, burst)

    def _set(self, kind: str, limit: float, burst: float | None) -> Bucket:
        """Make the bucket of `kind` have this limit, keeping what is spent."""
        period = PERIOD_S[kind]
        bucket = self.buckets.get(kind)
        if bucket is None:
            bucket = self.buckets[kind] = Bucket(limit, burst, period)
        else:
            bucket.capacity = float(burst if burst is not None else limit)
            bucket.rate = limit / period
        return bucket

    def levels(self, now: float) -> dict[str, float]:
        """Return what is spent and not yet refilled of every limit."""
        return {kind: bucket.level(now) for kind, bucket in self.buckets.items()}

    def delay(self, prompt: float, ceiling: float, now: float) -> tuple[float, str]:
        """Return the seconds until a request of this size may be sent, and the limit that binds ("" if none)."""
        worst, kind = max(0.0, self.paused_until - now), "PAUSE"
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
        for name, bucket in self.buckets.items():
            bucket.spend(amount_of(name, 1.0, prompt, ceiling), now)
        return charge

    def over(self, charge: Charge) -> None:
        """Take in that a request is no longer under way, however it ended."""
        self._under_way_tokens -= charge.prompt + charge.ceiling
        self._under_way -= 1

    @property
    def gives_back(self) -> bool:
        """Whether the provider seems to give back what a request reserved and did not use."""
        return self._kept < 4 or self._kept <= 2 * self._returned

    def settle(self, charge: Charge, prompt: float | None, completion: float | None, now: float) -> None:
        """Correct the books after an answer whose usage was this; None: unknown, the charge stands."""
        if prompt is None or completion is None:
            return
        # A book that the provider corrected since holds this request by the provider's own count.
        booked = prompt if self._corrected_at >= charge.at else charge.prompt
        unused = completion - charge.ceiling if self.gives_back else 0.0
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
        if self.auto:
            self._follow(facts)
        tokens = self.buckets.get("TPM")
        if tokens is not None and facts.limit_tokens and facts.remaining_tokens is not None:
            said = _spent(tokens, facts.limit_tokens, facts.remaining_tokens)
            since = self._spent_tokens - charge.tokens_before - charge.prompt - charge.ceiling
            self._learn_giving_back(tokens, said, charge, now)
            _clamp(tokens, said, since, now - charge.at, now)
        requests = self.buckets.get("RPD")
        if requests is not None and facts.limit_requests and facts.remaining_requests is not None:
            said = _spent(requests, facts.limit_requests, facts.remaining_requests)
            since = self._spent_requests - charge.requests_before - 1
            _clamp(requests, said, since, now - charge.at, now)

    def _learn_giving_back(self, tokens: Bucket, said: float, charge: Charge, now: float) -> None:
        """Compare the book with the provider's: a settled book far below it means nothing was given back."""
        if not self.gives_back:
            return
        behind = said - tokens.rate * (now - charge.at) - tokens.level(now)
        if behind > 0.5 * charge.ceiling:
            self._kept += 1
        elif behind <= 0.0:
            self._returned += 1

    def _follow(self, facts: LimitFacts) -> None:
        """Follow what the headers say in place of the free plan's assumed numbers."""
        known = self.limits
        tpm, rpd = facts.limit_tokens, facts.limit_requests
        if (tpm is None and rpd is None and not self._assumed) or (tpm == known.tpm and rpd == known.rpd):
            self.proven, self._assumed = True, False
            return
        # RPM and TPD stand in no header: taken from the plan that has these figures, else learned by refusal.
        plan = next((p for p in TIERS.values() if p.tpm == tpm and (p.rpd == rpd or p is DEVELOPER)), None)
        self._build(
            replace(
                known,
                tpm=tpm if tpm is not None or "TPM" not in self._told else known.tpm,
                tpm_burst=known.tpm_burst if "TPM" in self._told and tpm in (None, known.tpm) else None,
                rpd=rpd if rpd is not None or "RPD" not in self._told else known.rpd,
                rpm=known.rpm if "RPM" in self._told else plan.rpm if plan else None,
                rpm_burst=known.rpm_burst if "RPM" in self._told else None,
                tpd=known.tpd if "TPD" in self._told else plan.tpd if plan else None,
            )
        )
        self.proven, self._assumed = True, False

    def refused(self, error: LimitReachedError, charge: Charge, now: float) -> None:
        """Learn from a refusal: its kind's limit, how much is spent, and how long to wait."""
        self.give_back(charge, now)
        wait_s = error.wait_s
        kind = error.kind if error.kind in PERIOD_S else None
        if kind in ("TPM", "OTPM", "TPD") and error.used is not None and kind in self.buckets:
            behind = error.used - self.buckets[kind].level(now)
            if behind > 0.05 * self.buckets[kind].capacity and behind > 2 * charge.ceiling:
                self._kept += 4
        if kind == "ITPM":
            kind = "TPM"  # stricter than the truth, and the one bucket that prompts are booked in
        if kind is None or not error.limit:
            self.paused_until = max(self.paused_until, now + (wait_s if wait_s is not None else 1.0))
            return
        rate = error.limit / PERIOD_S[kind]
        burst: float | None = None
        if error.used is not None and error.requested is not None and wait_s is not None:
            # The provider's own arithmetic, wait = (used + requested - burst) / rate, solved for the burst.
            burst = error.used + error.requested - wait_s * rate
            if burst < error.requested or abs(burst - error.limit) < 0.02 * error.limit:
                burst = None
        known = kind in self.buckets and abs(self.buckets[kind].rate - rate) < 1e-9
        if known and not error.too_large and charge.at > self._corrected_at:
            # The limit was known and it refused all the same: our clock ran ahead of the provider's. Others of
            # the same burst, sent before the last correction, say nothing new.
            self.guard_s = min(MAX_GUARD_S, self.guard_s * 2)
        self.proven = True
        self._told.add(kind)
        if burst is None and getattr(self.limits, _FIELD[kind]) == error.limit:
            # Some count what is used against the whole minute: that says nothing against a burst that is known.
            burst = getattr(self.limits, f"{_FIELD[kind]}_burst", None)
        bucket = self._set(kind, error.limit, burst)
        self.limits = replace(self.limits, **{_FIELD[kind]: error.limit})
        if kind in ("RPM", "TPM"):
            self.limits = replace(self.limits, **{f"{_FIELD[kind]}_burst": burst})
        if wait_s is not None:
            asked = (
                error.requested if error.requested is not None else amount_of(kind, 1.0, charge.prompt, charge.ceiling)
            )
            level = bucket.capacity - asked + wait_s * rate
        else:
            level = error.used if error.used is not None else bucket.level(now)
        # The provider's bucket is full, so what was sent after this request is in that level or refused, too.
        bucket.set_level(level, now)
        self._corrected_at = now


_FIELD = {"RPM": "rpm", "TPM": "tpm", "RPD": "rpd", "TPD": "tpd", "OTPM": "otpm"}


def _spent(bucket: Bucket, limit: float, remaining: float) -> float:
    """Return what is spent by a header: where the burst is smaller than the limit, what remains is of the burst."""
    return (bucket.capacity if remaining <= bucket.capacity else max(limit, remaining)) - remaining


def _clamp(bucket: Bucket, said: float, since: float, elapsed_s: float, now: float) -> None:
    level = bucket.level(now)
    low = max(0.0, said - bucket.rate * elapsed_s)
    high = said + max(0.0, since)
    if level < low:
        bucket.set_level(low, now)
    elif level > high:
        bucket.set_level(high, now)
