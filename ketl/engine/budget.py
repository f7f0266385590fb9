"""A run's money: what it has spent, what its requests in flight may still take, and the cap."""

from __future__ import annotations

from ketl.provider.books import Charge
from ketl.provider.models import Model


class Budget:
    """Books dollars; `cap_usd` None means no cap. A model without a known price costs nothing here.

    `untold` counts the attempts whose cost nobody told.
    """

    def __init__(self, cap_usd: float | None) -> None:
        self.cap_usd = cap_usd
        self._spent_usd = 0.0
        self._reserved_usd = 0.0
        self.untold = 0

    def affords(self, model: Model, prompt: float, ceiling: float) -> bool:
        """Whether a request of this size keeps the run under its cap even if all of it is used."""
        if self.cap_usd is None:
            return True
        return self._spent_usd + self._reserved_usd + _usd(model, prompt, ceiling) <= self.cap_usd

    def reserve(self, model: Model, charge: Charge) -> None:
        """Set aside what an attempt that was charged so may take at most."""
        self._reserved_usd += _usd(model, charge.prompt, charge.ceiling)

    def release(self, model: Model, charge: Charge) -> None:
        """Give back what was set aside for an attempt whose cost is known."""
        self._reserved_usd -= _usd(model, charge.prompt, charge.ceiling)

    def keep(self) -> None:
        """Leave what was set aside for an attempt whose cost nobody told: it may have been billed."""
        self.untold += 1

    def spend(self, model: Model, tokens: tuple[int, int, int]) -> float | None:
        """Book an answer's (prompt, completion, cached) tokens and return its cost, None for an unknown price.

        Cached tokens are half price (Groq's prompt-caching page).
        """
        if model.prompt_usd is None or model.completion_usd is None:
            return None
        prompt, completion, cached = tokens
        cost = _usd(model, prompt - cached / 2, completion)
        self._spent_usd += cost
        return cost


def most_usd(model: Model, charge: Charge) -> float | None:
    """Return what an attempt that was charged so costs at most, None for an unknown price."""
    if model.prompt_usd is None or model.completion_usd is None:
        return None
    return _usd(model, charge.prompt, charge.ceiling)


def _usd(model: Model, prompt: float, completion: float) -> float:
    return (prompt * (model.prompt_usd or 0.0) + completion * (model.completion_usd or 0.0)) / 1e6
