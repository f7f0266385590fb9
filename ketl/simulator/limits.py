"""Rate limits as continuously refilling buckets, charged at admission and settled after the answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from ketl._words import did_you_mean
from ketl.errors import SettingsError

MINUTE_S = 60.0
DAY_S = 86_400.0
_NO_LIMIT = b"1000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """One model's limits; None means that there is none.

    `rpm` and `rpd` are requests a minute and a day, `tpm` and `tpd` tokens, `otpm` completion tokens a
    minute. `rpm_burst` and `tpm_burst` are how much may be spent at once, by default one minute's worth.
    """

    rpm: float | None = None
    rpm_burst: float | None = None
    tpm: float | None = None
    tpm_burst: float | None = None
    rpd: float | None = None
    tpd: float | None = None
    otpm: float | None = None

    @classmethod
    def from_mapping(cls, values: object, where: str) -> Limits:
        """Return the limits in a JSON object; raises SettingsError, naming `where`, for anything else."""
        if not isinstance(values, Mapping):
            raise SettingsError(f"{where} must be an object such as {{“rpm”: 30, “tpm”: 8000}}.")
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise SettingsError(f"{where}: the limit “{name}” is not known.{did_you_mean(str(name), known)}")
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0):
                raise SettingsError(f"{where}: “{name}” must be a number above 0, or null for no limit.")
        return cls(**values)


_FREE = Limits(rpm=30, rpd=1_000, tpm=8_000, tpd=200_000)
_DEVELOPER = Limits(rpm=1_000, rpd=500_000, tpm=250_000)

# "*" stands for every model that is not named. Groq's pages and answers of 2026-09 and 2026-10.
PLANS: Mapping[str, Mapping[str, Limits]] = {
    "free": {"*": _FREE, "qwen/qwen3.8-27b": Limits(rpm=30, rpd=1_000, tpm=8_000, tpd=200_000, otpm=1_000)},
    "developer": {"*": _DEVELOPER},
    "unlimited": {"*": Limits()},
}


class Bucket:
    """One leaky bucket: what is spent flows out again at `limit` a period, without steps.

    `capacity` is how much may stand in it at once. Times are seconds on a clock that the caller reads.
    """

    __slots__ = ("_at_s", "_per_s", "_used", "capacity", "kind", "limit", "period_s")

    def __init__(self, kind: str, limit: float, *, period_s: float, capacity: float | None = None) -> None:
        self.kind = kind
        self.limit = limit
        self.period_s = period_s
        self.capacity = limit if capacity is None else capacity
        self._per_s = limit / period_s
        self._used = 0.0
        self._at_s = -math.inf

    def used(self, now_s: float) -> float:
        """Return what still stands in the bucket."""
        if now_s > self._at_s:
            if self._used:
                self._used = max(0.0, self._used - (now_s - self._at_s) * self._per_s)
            self._at_s = now_s
        return self._used

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return the seconds until `amount` fits, 0 when it fits now: (used + amount - capacity) ÷ rate."""
        # The tiny allowance keeps a request that comes exactly after its wait from missing it by rounding.
        short = self.used(now_s) + amount - self.capacity
        return short / self._per_s if short > 1e-6 * self.capacity else 0.0

    def charge(self, amount: float, now_s: float) -> None:
        """Pour `amount` in; a negative amount gives back what was reserved and not used."""
        self._used = max(0.0, self.used(now_s) + amount)

    def reset_s(self, now_s: float) -> float:
        """Return the seconds until the bucket is empty again."""
        return self.used(now_s) / self._per_s

    def remaining(self, now_s: float) -> int:
        """Return how much may be spent now, in whole units."""
        return max(0, math.floor(self.capacity - self.used(now_s) + 1e-6))


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why a request was not admitted: the bucket's kind and figures, and the wait in seconds.

    `wait_s` is None when waiting cannot help, because the request alone is more than the limit.
    """

    kind: str
    limit: float
    used: float
    requested: float
    wait_s: float | None


class Gate:
    """All buckets of one model: admits a request or says what is short, and writes the limit headers."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests_minute = _bucket("RPM", limits.rpm, MINUTE_S, limits.rpm_burst)
        self._requests_day = _bucket("RPD", limits.rpd, DAY_S)
        self._tokens_minute = _bucket("TPM", limits.tpm, MINUTE_S, limits.tpm_burst)
        self._tokens_day = _bucket("TPD", limits.tpd, DAY_S)
        self._output_minute = _bucket("OTPM", limits.otpm, MINUTE_S)
        self._requests = [b for b in (self._requests_minute, self._requests_day) if b]
        self._tokens = [b for b in (self._tokens_minute, self._tokens_day) if b]

    def admit(self, prompt_tokens: int, max_completion_tokens: int) -> Shortage | None:
        """Charge a request its prompt and its whole completion ceiling, or return why it cannot go now.

        A refused request is charged nothing.
        """
        now_s = self._clock()
        total = prompt_tokens + max_completion_tokens
        for bucket in self._tokens:
            if total > bucket.capacity:
                return Shortage(bucket.kind, bucket.capacity, bucket.used(now_s), total, None)
        output = self._output_minute
        if output and max_completion_tokens > output.capacity:
            return Shortage(output.kind, output.capacity, output.used(now_s), max_completion_tokens, None)
        wanted = [(bucket, 1) for bucket in self._requests] + [(bucket, total) for bucket in self._tokens]
        if output:
            wanted.append((output, max_completion_tokens))
        for bucket, amount in wanted:
            wait_s = bucket.wait_s(amount, now_s)
            if wait_s > 0:
                # Reported so that (used + requested - limit) ÷ rate gives the wait for any burst.
                used = bucket.used(now_s) + bucket.limit - bucket.capacity
                return Shortage(bucket.kind, bucket.limit, used, amount, wait_s)
        for bucket, amount in wanted:
            bucket.charge(amount, now_s)
        return None

    def settle(self, unused_tokens: int, unused_completion_tokens: int) -> None:
        """Give back what was reserved and not used."""
        now_s = self._clock()
        for bucket in self._tokens:
            bucket.charge(-unused_tokens, now_s)
        if self._output_minute:
            self._output_minute.charge(-unused_completion_tokens, now_s)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the six limit headers: requests are per day, tokens per minute; no limit shows as a billion."""
        now_s = self._clock()
        written: list[tuple[bytes, bytes]] = []
        for name, bucket in ((b"requests", self._requests_day), (b"tokens", self._tokens_minute)):
            if bucket is None:
                limit, remaining, reset = _NO_LIMIT, _NO_LIMIT, b"0s"
            else:
                limit, remaining = b"%d" % bucket.limit, b"%d" % bucket.remaining(now_s)
                reset = duration(bucket.reset_s(now_s)).encode()
            written.append((b"x-ratelimit-limit-" + name, limit))
            written.append((b"x-ratelimit-remaining-" + name, remaining))
            written.append((b"x-ratelimit-reset-" + name, reset))
        return written


def _bucket(kind: str, limit: float | None, period_s: float, burst: float | None = None) -> Bucket | None:
    return None if limit is None else Bucket(kind, limit, period_s=period_s, capacity=burst)


def duration(seconds: float) -> str:
    """Return seconds as Groq writes them, cut to the millisecond: 585ms, 11.455s, 9m38.016s, 1h2m3s."""
    # Half a nanosecond first, so that 0.585 stored as 0.58499… is not cut to 584 ms.
    milliseconds = int((seconds + 5e-10) * 1000)
    if milliseconds <= 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    tail = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if not minutes:
        return tail
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{tail}" if hours else f"{minutes}m{tail}"
