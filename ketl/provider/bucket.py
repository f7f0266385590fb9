"""One limit's arithmetic: a leaky bucket on a clock that the caller hands in."""

from __future__ import annotations

# The most by which the provider's refill may be taken to have begun later than ours.
MAX_GUARD_S = 1.0


class Bucket:
    """A leaky bucket that starts full to spend and refills continuously.

    `capacity` may be spent at once, `rate` comes back per second. `level(now)` is what is spent and not yet
    refilled: Groq refuses while level + requested > capacity, and asks to wait
    (level + requested - capacity) / rate.
    """

    __slots__ = ("_at", "_begun", "_used", "capacity", "rate")

    def __init__(self, limit: float, burst: float | None, period_s: float) -> None:
        self.capacity = float(burst if burst is not None else limit)
        self.rate = limit / period_s
        self._used = 0.0
        self._at = 0.0
        self._begun = 0.0

    def level(self, now: float) -> float:
        """Return what is spent and not yet refilled."""
        return max(0.0, self._used - self.rate * (now - self._at))

    def delay(self, amount: float, now: float, guard_s: float = 0.0) -> float:
        """Return the seconds until `amount` may be spent; infinite when it never may.

        `guard_s` is how much later than ours the provider's refill may have begun: until so much time has
        passed since the bucket was last empty, nothing counts as refilled.
        """
        if amount > self.capacity:
            return float("inf")
        left = self._used - self.rate * (now - self._at)
        level = left + self.rate * min(guard_s, now - self._begun)
        if level <= 0.0 or level + amount - self.capacity <= 1e-9:
            return 0.0
        return (left + amount - self.capacity) / self.rate + guard_s

    def spend(self, amount: float, now: float) -> None:
        """Book `amount` as spent (negative: given back)."""
        level = self.level(now)
        if level == 0.0 and now - self._at > self._used / self.rate + MAX_GUARD_S:
            self._begun = now
        self._used = max(0.0, level + amount)
        self._at = now

    def set_level(self, level: float, now: float) -> None:
        """Correct the book to what the provider said."""
        self._used = max(0.0, level)
        self._at = now
