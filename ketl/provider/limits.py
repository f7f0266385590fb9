"""The limits of one model: their kinds, the record of their figures, and how much of each a request takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Requests in flight at once over all models. Ours and not the provider's: below the client's connections, so
# that no request that was admitted, and whose time is taken, waits for one.
MAX_IN_FLIGHT = 400

MINUTE_S = 60.0
_DAY_S = 86_400.0
# The kinds, as the provider names them: requests, tokens, completion (O) and prompt (I) tokens a minute or day.
PERIOD_S: Mapping[str, float] = {
    "RPM": MINUTE_S,
    "TPM": MINUTE_S,
    "OTPM": MINUTE_S,
    "ITPM": MINUTE_S,
    "RPD": _DAY_S,
    "TPD": _DAY_S,
}
DAY_KINDS = frozenset({"RPD", "TPD", "ITPD", "OTPD"})
"""The limits of a day as refusals name them, also those that are not kept book of."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: `rate` is what comes back in its period, `burst` what may be spent at once (None: one
    period's worth), `told` whether a refusal said so, which is surer than any plan or header."""

    rate: float
    burst: float | None = None
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one model, None where there is none: requests and tokens per minute and per day,
    completion tokens per minute; a burst is what may be spent at once (None: one minute's worth)."""

    rpm: float | None = None
    rpm_burst: float | None = None
    tpm: float | None = None
    tpm_burst: float | None = None
    rpd: float | None = None
    tpd: float | None = None
    otpm: float | None = None

    @classmethod
    def of(cls, kinds: Mapping[str, Limit]) -> Limits:
        """Return the record of limits by kind."""
        figures: dict[str, float | None] = {kind.lower(): limit.rate for kind, limit in kinds.items()}
        for kind in ("RPM", "TPM"):
            if kind in kinds:
                figures[f"{kind.lower()}_burst"] = kinds[kind].burst
        return cls(**figures)

    def by_kind(self) -> dict[str, Limit]:
        """Return the limits there are, by kind."""
        every = {
            "RPM": (self.rpm, self.rpm_burst),
            "TPM": (self.tpm, self.tpm_burst),
            "RPD": (self.rpd, None),
            "TPD": (self.tpd, None),
            "OTPM": (self.otpm, None),
        }
        return {kind: Limit(rate, burst) for kind, (rate, burst) in every.items() if rate is not None}


UNLIMITED = Limits()


def amount_of(kind: str, requests: float, prompt: float, completion: float) -> float:
    """Return how much of a limit of this kind so many requests take, of so many prompt and completion tokens in all."""
    if kind in ("RPM", "RPD"):
        return requests
    return completion if kind == "OTPM" else prompt + completion
