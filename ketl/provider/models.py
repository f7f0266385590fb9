"""The table of models: limits, prices, speeds and traits as data, each odd case with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is known of one model before asking the provider.

    `context_tokens` and `max_completion_tokens` are the provider's ceilings; prices are US dollars per
    million tokens (None: unknown, never zero); `tokens_per_s` and `first_token_s` are the start values for
    predictions; `reasoning` holds the body fields that keep hidden reasoning small, `reasoning_tokens` what it
    still costs per request; `json_schema` tells whether strict schemas are taken, `json_object` whether plain
    JSON mode is. `retired_on` is the date of shut-down for ordinary keys, ISO 8601.
    """

    id: str
    context_tokens: int
    max_completion_tokens: int
    prompt_usd: float | None
    completion_usd: float | None
    tokens_per_s: float
    first_token_s: float = 0.15
    reasoning: Mapping[str, object]
    reasoning_tokens: int = 0
    json_schema: bool = False
    json_object: bool = True
    retired_on: str | None = None


_PLAIN: Mapping[str, object] = {}

# Source of limits, prices and dates: Groq's models, rate-limits and deprecations pages, read 2026-10.
MODELS: Mapping[str, Model] = {
    model.id: model
    for model in (
        Model(
            id="llama-3.3-70b-versatile",
            context_tokens=131_072,
            max_completion_tokens=32_768,
            prompt_usd=0.59,
            completion_usd=0.79,
            tokens_per_s=280,
            reasoning=_PLAIN,
            retired_on="2026-08-16",
        ),
        Model(
            id="qwen-2.5-32b",
            context_tokens=131_072,
            max_completion_tokens=8_192,
            prompt_usd=0.79,
            completion_usd=0.79,
            tokens_per_s=200,
            reasoning=_PLAIN,
            retired_on="2025-04-14",
        ),
        Model(
            id="mistral-saba-24b",
            context_tokens=32_768,
            max_completion_tokens=32_768,
            prompt_usd=0.79,
            completion_usd=0.79,
            tokens_per_s=330,
            reasoning=_PLAIN,
            retired_on="2025-07-30",
        ),
        Model(
            id="openai/gpt-oss-120b",
            context_tokens=131_072,
            max_completion_tokens=65_536,
            prompt_usd=0.15,
            completion_usd=0.60,
            tokens_per_s=500,
            # Its reasoning cannot be switched off; without "low" it eats the completion budget.
            reasoning={"reasoning_effort": "low", "include_reasoning": False},
            reasoning_tokens=60,
            json_schema=True,
        ),
        Model(
            id="openai/gpt-oss-20b",
            context_tokens=131_072,
            max_completion_tokens=65_536,
            prompt_usd=0.075,
            completion_usd=0.30,
            tokens_per_s=1000,
            reasoning={"reasoning_effort": "low", "include_reasoning": False},
            reasoning_tokens=60,
            json_schema=True,
        ),
        Model(
            id="qwen/qwen3.8-27b",
            context_tokens=131_042,
            max_completion_tokens=16_384,
            prompt_usd=0.80,
            completion_usd=4.00,
            tokens_per_s=450,
            # The SDK's text and the API's own description disagree on the default, so it is always sent.
            reasoning={"reasoning_effort": "none"},
            json_schema=True,
        ),
    )
}

# Ids listed by the provider that hold one of these words do not translate text.
NOT_FOR_TEXT = ("whisper", "guard", "orpheus", "tts", "playai", "embed", "compound")

# The ordered chains: the pattern's own choice at the head, today's successors behind it.
CHAINS: Mapping[str, tuple[str, ...]] = {
    "western": ("llama-3.3-70b-versatile", "openai/gpt-oss-120b", "qwen/qwen3.8-27b", "openai/gpt-oss-20b"),
    "asian": ("qwen-2.5-32b", "qwen/qwen3.8-27b", "openai/gpt-oss-120b", "openai/gpt-oss-20b"),
    "arabic": ("mistral-saba-24b", "openai/gpt-oss-120b", "qwen/qwen3.8-27b", "openai/gpt-oss-20b"),
    "cyrillic": ("llama-3.3-70b-versatile", "openai/gpt-oss-120b", "qwen/qwen3.8-27b", "openai/gpt-oss-20b"),
    "indic": ("llama-3.3-70b-versatile", "openai/gpt-oss-120b", "qwen/qwen3.8-27b", "openai/gpt-oss-20b"),
}


def model_facts(model_id: str) -> Model:
    """Return the model's record, or cautious assumptions for an id that the table does not know."""
    known = MODELS.get(model_id)
    if known is not None:
        return known
    return Model(
        id=model_id,
        context_tokens=32_768,
        max_completion_tokens=8_192,
        prompt_usd=None,
        completion_usd=None,
        tokens_per_s=300,
        reasoning=_PLAIN,
    )
