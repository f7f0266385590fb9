"""One request on its way: the segments it carries, how often it was tried, and where it is in flight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ketl.errors import ProviderError, RunError, UnreachableError
from ketl.language.languages import Language
from ketl.prompts.brief import wire_keys
from ketl.prompts.prepared import Prepared
from ketl.prompts.tokens import answer_tokens, prompt_tokens
from ketl.provider.lane import Lane

LEFT = "left"
"""The cause of all that moves because a model is gone or its day is spent."""


class Moved(NamedTuple):
    """That another model is to answer than the one before: which that was, a name for the kind of cause, and why.

    `whole`: the cause is the model's, whatever it was to answer, and not that of some texts.
    """

    source: Lane
    cause: str
    reason: str
    whole: bool = True

    @classmethod
    def by(cls, error: RunError, source: Lane) -> Moved:
        """Return that what some texts came to in a lane sends them to another one.

        Where the lane closed for it, the cause is the lane's.
        """
        if source.closed_for and isinstance(error, (ProviderError, UnreachableError)):
            return cls(source, source.closed_for, f"{source.model.id} {source.closed_for}")
        return cls(source, type(error).__name__, f"For some texts: {str(error).rstrip('.')}", whole=False)


class Size(NamedTuple):
    """What an attempt is booked with, in tokens: its prompt, its answer's ceiling, and how much of that is lent."""

    prompt: float
    ceiling: int
    lent: int


@dataclass(slots=True, eq=False)
class Request:
    """One call's worth of segments of one language.

    `prompt_est` and `completion_est` are tokens as the tables expect them, before any model's own factor.
    `ceiling_factor` widens the room for what is written, where an answer broke off. `rung` is the rung of the repair
    ladder it stands on, `faults` what a check found, by segment key; `lane` pins it to one model; `moved` says why
    another than the one before is to answer, `moves` how often it was sent on. `failures` counts what came instead of
    an answer, from the loop's time `failing_since` to `failed_at`, and `tries` those of them that may be its own fault;
    `models` are those it was sent to, `in_flight` the lanes of its attempts under way.
    """

    number: int
    group: str
    language: Language
    items: Sequence[Prepared]
    prompt_est: float
    completion_est: float
    rung: int = 0
    faults: Mapping[bytes, tuple[str, ...]] = field(default_factory=dict)
    tries: int = 0
    moves: int = 0
    refusals: int = 0
    failures: int = 0
    failing_since: float | None = None
    failed_at: float | None = None
    ceiling_factor: float = 1.0
    lane: Lane | None = None
    moved: Moved | None = None
    models: set[str] = field(default_factory=set)
    done: bool = False
    hedged: bool = False
    in_flight: list[Lane] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """The keys of its segments on the wire."""
        return wire_keys(self.items)


def estimate(items: Sequence[Prepared]) -> tuple[float, float]:
    """Return the prompt and completion tokens that a request of these items is expected to take."""
    return (
        prompt_tokens(sum(item.source_tokens for item in items), len(items)),
        answer_tokens(sum(item.completion_tokens for item in items)),
    )
