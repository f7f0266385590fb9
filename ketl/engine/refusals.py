"""Tells a provider that refuses whatever is sent from one that refuses some of it."""

from __future__ import annotations

import re

from ketl.errors import RefusedError

_ENOUGH = 6
_REQUESTS = 3
_DETAILS = re.compile(r"[`'“\"][^`'”\"]*[`'”\"]|\S*\d\S*")


class Refusals:
    """One run's refusals, as long as nothing was answered: the same words to different requests, from every model
    that was tried, mean that no further request will be taken."""

    def __init__(self) -> None:
        self.first_at: float | None = None
        self._answered = False
        self._alike: dict[str, int] = {}
        self._requests: set[int] = set()
        self._models: set[str] = set()

    def answered(self) -> None:
        """Take in that the provider answered something: it is not all that it refuses."""
        self._answered = True

    @property
    def nothing_else(self) -> bool:
        """Whether requests were refused and none answered."""
        return self.first_at is not None and not self._answered

    def take(self, error: RefusedError, request: int, model: str, now: float) -> None:
        """Take in a refusal of a request (its number) by a model."""
        if self.first_at is None:
            self.first_at = now
        # Models, figures and quoted values differ from one request to the next; the reason does not.
        words = _DETAILS.sub("", f"{error.code} {error}".replace(model, ""))
        self._alike[words] = self._alike.get(words, 0) + 1
        self._requests.add(request)
        self._models.add(model)

    def is_all(self, models: int) -> bool:
        """Whether all that was sent was refused alike, by two models where the run has so many."""
        return (
            not self._answered
            and len(self._alike) == 1
            and sum(self._alike.values()) >= _ENOUGH
            and len(self._requests) >= _REQUESTS
            and len(self._models) >= min(2, models)
        )
