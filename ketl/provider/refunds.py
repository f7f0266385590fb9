"""Whether the provider gives back what a request reserved and did not use, learned from what it says is spent."""

from __future__ import annotations

# One figure may be late or another process's doing, so that few say nothing; and those that were given back
# weigh half, since a book that is too high by chance looks the same.
_DOUBT_AFTER = 4
_OUTWEIGHS = 2
# A book so much of an answer's ceiling below the provider's figure: the whole ceiling still stands in it there,
# while an answer that was merely longer than most explains less.
_KEPT_OF_CEILING = 0.5
# A refusal shows all that was kept at once. It must be more than the figures' own delay explains: that much of
# the limit, and more than two requests that crossed each other.
_FAR_OF_CAPACITY = 0.05
_FAR_OF_CEILING = 2.0


class Refunds:
    """Counts the signs for and against; until there are enough, unused reservations are taken to come back."""

    __slots__ = ("_kept", "_returned")

    def __init__(self) -> None:
        self._kept = 0
        self._returned = 0

    @property
    def given(self) -> bool:
        """Whether the provider seems to give back what a request reserved and did not use."""
        return self._kept < _DOUBT_AFTER or self._kept <= _OUTWEIGHS * self._returned

    def answered(self, behind: float, ceiling: float) -> None:
        """Take in how many tokens a book, with its refunds, is behind the provider's own figure after an answer."""
        if not self.given:
            return
        if behind > _KEPT_OF_CEILING * ceiling:
            self._kept += 1
        elif behind <= 0.0:
            self._returned += 1

    def refused(self, behind: float, ceiling: float, capacity: float) -> None:
        """Take in how many tokens a book is behind what a refusal says is used: far behind is proof enough."""
        if behind > _FAR_OF_CAPACITY * capacity and behind > _FAR_OF_CEILING * ceiling:
            self._kept += _DOUBT_AFTER
