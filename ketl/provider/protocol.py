"""The records that cross between engine and client: one call, one reply, what the provider says of its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ketl.errors import KetlError


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFacts:
    """What one answer's headers say of the limits; None where the answer said nothing.

    `limit_requests` and `remaining_requests` are per day, `limit_tokens` and `remaining_tokens` per minute
    (so Groq defines them).
    """

    limit_requests: float | None = None
    remaining_requests: float | None = None
    limit_tokens: float | None = None
    remaining_tokens: float | None = None


NO_LIMIT_FACTS = LimitFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One chat completion to ask for: the model, the two messages, and the ceiling for the answer.

    `extra` holds further body fields (reasoning switches, response format) as the model wants them.
    """

    model: str
    system: str
    user: str
    max_completion_tokens: int
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model wrote: its text, why it ended, what it cost in tokens, and what its headers say of the limits.

    `content` is empty where a billed answer holds no text. `status` is the HTTP status: 200, or 400 where the
    provider itself could not read what the model wrote. Token counts are None when the answer had no usage;
    `reasoning_tokens` are those of the completion that were hidden reasoning, None when it does not say;
    `service_s` is how long the provider says it took, `queue_s` how long it says the request lay there before.
    """

    content: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int = 0
    reasoning_tokens: int | None = None
    status: int = 200
    service_s: float | None = None
    queue_s: float = 0.0
    limits: LimitFacts = NO_LIMIT_FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One row of the provider's model list; None where the provider does not say."""

    id: str
    active: bool = True
    context_tokens: int | None = None
    max_completion_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """Any answer as it came, for those who look at the provider itself: status, headers (lower case), body.

    `body` is the JSON value, or None where it was none; `read_as` is the error that we make of it, None for a
    status below 400.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    read_as: KetlError | None


class Client(Protocol):
    """What the engine needs of a provider: one completion, and the list of living models."""

    @property
    def encrypted(self) -> bool:
        """Whether the connections are made over TLS."""

    async def complete(self, call: Call) -> Reply:
        """Return the answer to `call`, or raise a RunError that carries the facts of the failure."""

    async def list_models(self) -> list[ListedModel]:
        """Return the models that the provider lists, or raise a RunError."""

    async def close(self) -> None:
        """Close the connections."""
