"""What a provider's headers and refusals say of its limits, worked out as values."""

from __future__ import annotations

from collections.abc import Mapping

from ketl.errors import LimitReachedError
from ketl.provider.bucket import Bucket
from ketl.provider.limits import MINUTE_S, PERIOD_S, Limit
from ketl.provider.protocol import LimitFacts
from ketl.provider.tiers import DEVELOPER, TIERS

# Figures are rounded to whole tokens and milliseconds: a burst this near the limit is the limit itself.
_SAME_BURST = 0.02


def learn_limit(kind: str, rate: float, error: LimitReachedError, known: Limit | None) -> Limit:
    """Return the limit of this kind as a refusal tells it: `rate` in its period, and the burst if it says one.

    Some count what is used against the whole minute: that says nothing against a burst that is known.
    """
    burst = learn_burst(rate, PERIOD_S[kind], error)
    if burst is None and known is not None and known.rate == rate and PERIOD_S[kind] == MINUTE_S:
        burst = known.burst
    return Limit(rate, burst, told=True)


def learn_burst(limit: float, period_s: float, error: LimitReachedError) -> float | None:
    """Return what may be spent at once, None for the whole limit or when a refusal does not say.

    It is the provider's own arithmetic, wait = (used + requested - burst) / rate, solved for the burst; a burst
    below what was requested would have been refused as too large, so such figures mean something else.
    """
    if error.used is None or error.requested is None or error.wait_s is None:
        return None
    burst = error.used + error.requested - error.wait_s * limit / period_s
    whole = abs(burst - limit) < _SAME_BURST * limit
    return None if whole or burst < error.requested else burst


def level_after(error: LimitReachedError, booked: float, bucket: Bucket, now: float) -> float:
    """Return what is spent of a limit after a refusal, of which the request was `booked` with so much.

    The wait it asks for is exact, and so is what must stand in the bucket to make it that long; else what it
    says is used; else what was known.
    """
    if error.wait_s is not None:
        asked = error.requested if error.requested is not None else booked
        return bucket.capacity - asked + error.wait_s * bucket.rate
    return error.used if error.used is not None else bucket.level(now)


def follow(facts: LimitFacts, known: Mapping[str, Limit]) -> dict[str, Limit | None]:
    """Return the limits by kind that fit an answer's headers, None where there is none.

    Requests a minute and tokens a day stand in no header: they are taken from the tier that has the figures
    shown. What a refusal told outlives headers that do not show it.
    """
    tpm, rpd = facts.limit_tokens, facts.limit_requests
    tier = next((t for t in TIERS.values() if t.tpm == tpm and (t.rpd == rpd or t is DEVELOPER)), None)
    return {
        "RPM": _told(known.get("RPM")) or _limit(tier.rpm if tier else None),
        "TPM": _shown(tpm, known.get("TPM")),
        "RPD": _shown(rpd, known.get("RPD")),
        "TPD": _told(known.get("TPD")) or _limit(tier.tpd if tier else None),
    }


def spent(bucket: Bucket, limit: float, remaining: float) -> float:
    """Return what is spent by a header: where the burst is smaller than the limit, what remains is of the burst."""
    return (bucket.capacity if remaining <= bucket.capacity else max(limit, remaining)) - remaining


def _shown(rate: float | None, known: Limit | None) -> Limit | None:
    told = _told(known)
    if told is not None and rate in (None, told.rate):
        return told
    return _limit(rate, told=told is not None)


def _told(known: Limit | None) -> Limit | None:
    return known if known is not None and known.told else None


def _limit(rate: float | None, *, told: bool = False) -> Limit | None:
    return None if rate is None else Limit(rate, told=told)
