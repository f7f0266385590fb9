"""What came back on a question, in values that can be shown to anyone; any answer and any model list can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ketl._words import redact
from ketl.errors import KetlError, LimitReachedError, RefusedError
from ketl.planning.routing import living_by_table
from ketl.provider.models import CHAINS, MODELS, NOT_FOR_TEXT
from ketl.provider.protocol import RawAnswer

# What names an account, a person or a single request, besides the keys and organizations that are never shown.
_IDENTITY = re.compile(r"\b(?:org|proj|project|user|team|acct|account|req|request)[_-][A-Za-z0-9]{6,}")

# A gateway may list hundreds of models; more than this is nonsense.
_MOST_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What came back on one question.

    `status` is None when nothing did; `read_as` is what the program makes of an error, by kind; `error` holds the
    words of an error body; `headers` those that speak of limits; `usage` and `message` the names of the answer's
    fields; `told` single findings by name. No value holds a key, an id of the account or of the request.
    """

    name: str
    about: str
    model: str | None
    status: int | None
    read_as: str | None = None
    error: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    usage: tuple[str, ...] = ()
    message: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The provider's model list: rows by id with the fields that matter here; `fact` is how it came."""

    fact: Fact
    rows: Mapping[str, Mapping[str, Any]]
    date: str | None = None

    @property
    def text_models(self) -> tuple[str, ...]:
        """The models that live and translate text, sorted."""
        alive = (name for name, row in self.rows.items() if row["active"])
        return tuple(sorted(name for name in alive if not any(word in name.lower() for word in NOT_FOR_TEXT)))

    @property
    def routed(self) -> tuple[str, ...]:
        """The models that a run would take: those of our chains that live, in the table's order, else the first other.

        Without a list they are those that the table has as living.
        """
        if not self.rows:
            return tuple(row.id for row in living_by_table("9999"))
        wanted = {model for chain in CHAINS.values() for model in chain}
        return tuple(model for model in MODELS if model in wanted and model in self.text_models) or self.text_models[:1]


def listing_of(answer: RawAnswer) -> Listing:
    """Return the model list in an answer, with no rows where it is none."""
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    rows: dict[str, dict[str, Any]] = {}
    for row in data[:_MOST_ROWS] if isinstance(data, list) else ():
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            rows[redact(row["id"])[:100]] = {
                "active": row.get("active") is not False,
                "context_tokens": number_of(row.get("context_window", row.get("context_length"))),
                "max_completion_tokens": number_of(row.get("max_completion_tokens", row.get("max_output_length"))),
                "prompt_usd": _per_million(row, "prompt"),
                "completion_usd": _per_million(row, "completion"),
                "features": row.get("supported_features") if isinstance(row.get("supported_features"), list) else None,
            }
    fact = fact_of("models", "which models there are", answer, chat=False)
    return Listing(fact=fact, rows=rows, date=answer.headers.get("date"))


def fact_of(name: str, about: str, answer: RawAnswer, *, model: str | None = None, chat: bool = True) -> Fact:
    """Return what an answer says; `chat` tells whether a completion was asked for, and not a list."""
    told: dict[str, Any] = {}
    usage: tuple[str, ...] = ()
    message: tuple[str, ...] = ()
    body = answer.body if isinstance(answer.body, dict) else {}
    if answer.status < 400:
        if not chat:
            told["object"] = _text(body.get("object"))
        else:
            usage, message, told = _completion(body)
    return Fact(
        name=name,
        about=about,
        model=model,
        status=answer.status,
        read_as=_kind(answer.read_as),
        error=_error_words(answer) if answer.status >= 400 else {},
        headers=_limit_headers(answer.headers),
        usage=usage,
        message=message,
        told=told,
    )


def _completion(body: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Return the names of the fields of usage and message, and what the answer is like."""
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    inner, usage = _object(choice.get("message")), _object(body.get("usage"))
    content = inner.get("content")
    told = {
        "finish_reason": _text(choice.get("finish_reason")),
        "service_tier": _text(body.get("service_tier")),
        "reasoning_tokens": number_of(_object(usage.get("completion_tokens_details")).get("reasoning_tokens")),
        "completion_tokens": number_of(usage.get("completion_tokens")),
        "keys_kept": _keys_kept(content),
    }
    return _names(usage), _names(inner), {name: value for name, value in told.items() if value is not None}


def _keys_kept(content: object) -> bool | None:
    """Tell whether the content is a JSON object with exactly the keys that were sent; None where there is none."""
    if not isinstance(content, str):
        return None
    try:
        value = orjson.loads(content[:10_000])
    except ValueError:
        return False
    return isinstance(value, dict) and set(value) == {"a"}


def _kind(error: KetlError | None) -> str | None:
    """Return what the program makes of an error, so that two of a kind are told apart from two that are not."""
    if error is None:
        return None
    words = [type(error).__name__]
    if isinstance(error, LimitReachedError):
        words += [error.kind or "no kind", *(["too large"] if error.too_large else [])]
    elif isinstance(error, RefusedError) and error.code:
        words.append(redact(error.code)[:60])
    return " ".join(words)


def _error_words(answer: RawAnswer) -> dict[str, str]:
    inner = answer.body.get("error") if isinstance(answer.body, dict) else None
    if isinstance(inner, dict):
        return {str(n)[:30]: _text(inner[n]) or "" for n in ("type", "code", "param", "message") if inner.get(n)}
    if inner is None and answer.body is None:
        return {"message": "(the body is no JSON)"}
    return {"message": _text(inner if inner is not None else answer.body) or ""}


def _limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: redact(value)[:40]
        for name, value in sorted(headers.items())
        if name.startswith("x-ratelimit-") or name in ("retry-after", "x-groq-region")
    }


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(redact(str(name))[:40] for name in value)[:30])


def _text(value: object) -> str | None:
    """Return a value as one line of words that may be shown to anyone."""
    if value is None:
        return None
    said = _IDENTITY.sub("…", redact(" ".join(str(value)[:2_000].split())))
    return said if len(said) <= 240 else said[:239] + "…"


def number_of(value: object) -> float | None:
    """Return a figure that can be believed, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not 0 <= number < 1e12:
        return None
    return int(number) if number == int(number) else number


def _per_million(row: Mapping[str, Any], side: str) -> float | None:
    """Return the US dollars a million tokens in the price that a row of the list names, a string per token."""
    pricing = row.get("pricing")
    per_token = number_of(pricing.get(side)) if isinstance(pricing, dict) else None
    return None if per_token is None else round(per_token * 1_000_000, 6)
