"""How much room beyond the ordinary a model's answers are given: lent against what its answers brought."""

from __future__ import annotations

# Enough to find out once, in widening steps, whether a model that thinks before it writes comes to an end: 4,096 and
# the most that is given, 16,384, each lost once, with a third of it for those of the first step, that go together.
_FIRST_TOKENS = 32_768
# Tokens lost for nothing per token that brought a text: a run never pays more than so many times what is of use.
_PER_USEFUL = 3.0
# Under way together before any such answer came; each that is whole adds its own room, each that is lost halves it.
_FIRST_AT_ONCE = _FIRST_TOKENS / 4


class RoomCredit:
    """Counts, in tokens, the room that one model was given beyond the ordinary and what came of it.

    What a model is asked for beyond its ordinary ceilings is the one spending that a plan does not bound: each answer
    that breaks off asks for more. So it is lent, and what is lost at most stays in proportion to what is of use.
    """

    def __init__(self) -> None:
        self._useful = self._lost = 0.0
        self._at_once = _FIRST_AT_ONCE
        self.lent = 0

    @property
    def left(self) -> float:
        """The tokens that may still be lost."""
        return _FIRST_TOKENS + _PER_USEFUL * self._useful - self._lost

    def lends(self, extra: int) -> bool:
        """Whether one more answer may be given `extra` tokens beyond the ordinary now."""
        if extra <= 0:
            return True
        if self.lent:
            return self.lent + extra <= min(self._at_once, self.left / 2)
        return extra <= self.left

    def lend(self, extra: int) -> None:
        """Take in that an answer was given `extra` tokens beyond the ordinary."""
        self.lent += extra

    def over(self, extra: int) -> None:
        """Take in that an answer that was given `extra` tokens is no longer under way."""
        self.lent -= extra

    def brought(self, tokens: float) -> None:
        """Take in that so many tokens of an answer were of use."""
        self._useful += tokens

    def whole(self, extra: int) -> None:
        """Take in that an answer with `extra` tokens came to its end."""
        self._at_once += extra

    def lost(self, tokens: float) -> None:
        """Take in that an answer broke off after so many tokens beyond the ordinary."""
        if tokens > 0.0:
            self._lost += tokens
            self._at_once = max(_FIRST_AT_ONCE, self._at_once / 2)

    def renew(self) -> None:
        """Forget what was lost: the model was left alone for it."""
        self._lost = 0.0
        self._at_once = _FIRST_AT_ONCE
