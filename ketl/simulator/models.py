"""What the local server knows of each model: the product's own table, seen from the provider's side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ketl.provider.models import MODELS, Model

_OWNERS = {
    "llama": "Meta", "qwen": "Alibaba Cloud", "mistral": "Mistral AI", "openai": "OpenAI",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """One model as the server runs it.

    `completion_tokens_per_s` and `prompt_tokens_per_s` are its speeds; `efforts` the values of
    `reasoning_effort` it takes (none: it does not reason), `default_effort` the one used when not told;
    `json_schema` whether it takes schemas; `caches_prompts` whether a repeated prefix is counted as cached.
    """

    facts: Model
    completion_tokens_per_s: float
    prompt_tokens_per_s: float
    efforts: tuple[str, ...]
    default_effort: str
    json_schema: bool
    caches_prompts: bool

    @property
    def id(self) -> str:
        """The model's id."""
        return self.facts.id

    @property
    def hides_format(self) -> bool:
        """True for the family that shows reasoning by `include_reasoning` only and refuses `reasoning_format`."""
        return self.id.startswith("openai/gpt-oss")


# Completion tokens that hidden reasoning adds, least and most, by effort. Measured on the live service by
# others: gpt-oss medium about 1,100 to 1,800 on hard prompts, a few dozen at low; qwen low 390 to 590.
REASONING_TOKENS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "openai/gpt-oss": {"low": (18, 55), "medium": (160, 480), "high": (700, 1_800)},
    "qwen/": {
        "none": (0, 0), "default": (400, 1_200), "low": (390, 590), "medium": (600, 1_400), "high": (900, 2_400),
    },
}  # fmt: skip


def _family(model_id: str) -> Mapping[str, tuple[int, int]]:
    return next((efforts for prefix, efforts in REASONING_TOKENS.items() if model_id.startswith(prefix)), {})


def served(model: Model) -> ServedModel:
    """Return the model as this server runs it, its speeds and reasoning taken from the product's table."""
    efforts = tuple(_family(model.id))
    return ServedModel(
        facts=model,
        completion_tokens_per_s=model.tokens_per_s,
        # Reading a prompt is about twenty times faster than writing; nothing on the platform's pages says more.
        prompt_tokens_per_s=model.tokens_per_s * 20,
        efforts=efforts,
        default_effort="none" if "none" in efforts else "medium" if efforts else "",
        json_schema=model.json_schema,
        caches_prompts=model.id.startswith("openai/"),
    )


SERVED: Mapping[str, ServedModel] = {model.id: served(model) for model in MODELS.values()}

# Ids that the provider still remembers as retired; others are simply unknown to it.
REMEMBERED_AS_RETIRED = frozenset(
    (
        "qwen-qwq-32b", "gemma2-9b-it", "moonshotai/kimi-k2-instruct", "moonshotai/kimi-k2-instruct-0905",
        "meta-llama/llama-4-maverick-17b-128e-instruct", "meta-llama/llama-4-scout-17b-16e-instruct",
        "qwen/qwen3-32b", "qwen/qwen3.6-27b", "llama-3.1-8b-instant", "groq/compound", "groq/compound-mini",
    )
)  # fmt: skip


def reasoning_range(model_id: str, effort: str) -> tuple[int, int]:
    """Return the least and most completion tokens that reasoning at `effort` costs on this model."""
    return _family(model_id).get(effort, (0, 0))


def model_row(model: ServedModel, created: int) -> dict[str, object]:
    """Return the model as one row of `GET /models`; prices are strings, US dollars per token."""
    facts = model.facts
    owner = next((name for prefix, name in _OWNERS.items() if facts.id.startswith(prefix)), "Groq")
    pricing: dict[str, str] = {}
    if facts.prompt_usd is not None and facts.completion_usd is not None:
        pricing = {"prompt": _per_token(facts.prompt_usd), "completion": _per_token(facts.completion_usd)}
        if model.caches_prompts:
            pricing["input_cache_read"] = _per_token(facts.prompt_usd / 2)
    features = ["json_mode"]
    if model.json_schema:
        features.append("structured_outputs")
    if model.efforts:
        features.append("reasoning")
    return {
        "id": facts.id,
        "object": "model",
        "created": created,
        "owned_by": owner,
        "active": True,
        "context_window": facts.context_tokens,
        "context_length": facts.context_tokens,
        "max_completion_tokens": facts.max_completion_tokens,
        "max_output_length": facts.max_completion_tokens,
        "public_apps": None,
        "pricing": pricing,
        "supported_features": features,
    }


def _per_token(usd_per_million: float) -> str:
    return f"{usd_per_million / 1_000_000:.12f}".rstrip("0")
