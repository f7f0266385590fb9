"""Asks a provider a couple of dozen cheap questions and notes what it answered, whatever that is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ketl.errors import LimitReachedError, UnreachableError
from ketl.provider.groq import CHAT_PATH, MODELS_PATH, GroqClient
from ketl.provider.models import model_facts
from ketl.runs.live_facts import Fact, Listing, fact_of, listing_of, number_of

# Belongs to nobody, and has the shape that a key has.
_NO_KEY = "gsk_" + "0" * 52
_NO_MODEL = "ketl/no-such-model"
_PATIENCE_S = 60.0
# A single question that may be answered although it ought to be refused costs no more than this.
_MOST_USD = 0.005
# Where nobody says what a model costs, it is counted as dearer than any model of the table.
_DEAR_USD_PER_MILLION = 5.0
_SCHEMA: Mapping[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "translations",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "additionalProperties": False,
        },
    },
}
_ORDER = (
    "Translate the segments into the target language. Answer with one JSON object that has the same keys and the "
    "translations as values, and nothing else."
)
_TEXT = orjson.dumps({"target_language": "Spanish", "target_tag": "es", "segments": {"a": "Red wool sock"}}).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request: its name, what it wants to know, and the most that its answer may cost.

    `model` is None where it concerns no model; `key` tells whether it is asked with the person's own key;
    `refused` whether it ought to be, so that it costs nothing.
    """

    name: str
    about: str
    body: Mapping[str, Any] | None = None
    path: str = CHAT_PATH
    model: str | None = None
    key: bool = True
    refused: bool = False

    @property
    def usd(self) -> float:
        """The most that the answer costs, every token of its ceiling written; 0 for what ought to be refused."""
        return 0.0 if self.refused or self.body is None else _usd(self.body)


async def list_models(client: GroqClient) -> Listing:
    """Return the provider's list, with no rows where it has none; raises UnreachableError when nothing answers."""
    answer = await asyncio.wait_for(client.ask("GET", MODELS_PATH), _PATIENCE_S)
    return listing_of(answer)


def questions(listing: Listing, *, free: bool = False) -> list[Question]:
    """Return what to ask of a provider with these models; what depends on its answers comes later.

    `free` tells that nothing it answers costs anything, as of the local server.
    """
    asked = [question for model in listing.routed for question in _of_model(model)]
    cheap = cheapest(listing.routed)
    if cheap is not None:
        asked += [
            Question(
                name="reasoning off",
                about=f"whether {cheap} reasons when told not to",
                body={**_chat(cheap), "reasoning_effort": "none"},
                model=cheap,
            ),
            Question(
                name="unknown effort",
                about="how a value that no model takes is refused",
                body={**_chat(cheap), "reasoning_effort": "ketl"},
                model=cheap,
                refused=True,
            ),
            Question(
                name="ceiling too large",
                about="how a max_completion_tokens beyond the model's own is refused",
                body={**_chat(cheap), "max_completion_tokens": 4 * model_facts(cheap).max_completion_tokens},
                model=cheap,
                refused=True,
            ),
            Question(
                name="unsupported field",
                about="how a field that is not supported is refused",
                body={**_chat(cheap), "logprobs": True},
                model=cheap,
                refused=True,
            ),
        ]
        long = _too_long(listing, free=free)
        if long is not None:
            asked.append(long)
    return [
        *asked,
        Question(
            name="unknown model",
            about="how a model that does not exist is refused",
            body=_chat(_NO_MODEL),
            refused=True,
        ),
        Question(
            name="bad key", about="how a wrong key is refused", body=_chat(cheap or _NO_MODEL), key=False, refused=True
        ),
        Question(name="files", about="whether files are listed (for batches)", path="/openai/v1/files"),
        Question(name="batches", about="whether batches are listed", path="/openai/v1/batches"),
    ]


def price_usd(asked: Sequence[Question]) -> float:
    """Return the most that these questions cost in US dollars by our price table, with what may follow from them."""
    return sum(question.usd for question in asked) + _MOST_USD


async def ask(client: GroqClient, stranger: GroqClient, asked: Sequence[Question]) -> dict[str, Fact]:
    """Return the facts by question; `stranger` is a client with a key that is none. Nothing an answer holds raises.

    Questions go one after another: what one takes of a limit must not colour the answer to the next.
    """
    facts: dict[str, Fact] = {}
    for question in asked:
        facts[question.name] = await _ask(client if question.key else stranger, question)
    follow_up = _beyond_the_limit(facts)
    if follow_up is not None:
        facts[follow_up.name] = await _ask(client, follow_up)
    return facts


def stranger_to(base_url: str | None) -> GroqClient:
    """Return a client of the same provider whose key is none."""
    return GroqClient(_NO_KEY, base_url)


def cheapest(models: Sequence[str]) -> str | None:
    """Return the model whose answers cost least by our table, None when there is none."""
    return min(models, key=lambda m: model_facts(m).completion_usd or _DEAR_USD_PER_MILLION, default=None)


def _of_model(model: str) -> list[Question]:
    facts = model_facts(model)
    asked = [
        Question(name=f"answer of {model}", about="its headers, its usage, our reasoning switch", body=_chat(model)),
        Question(
            name=f"JSON of {model}",
            about="plain JSON mode",
            body={**_chat(model), "response_format": {"type": "json_object"}},
        ),
        Question(
            name=f"schema of {model}",
            about="a strict JSON schema",
            body={**_chat(model), "response_format": _SCHEMA},
            refused=not facts.json_schema,
        ),
    ]
    return [Question(name=q.name, about=q.about, body=q.body, model=model, refused=q.refused) for q in asked]


def _chat(model: str) -> dict[str, Any]:
    facts = model_facts(model)
    return {
        "model": model,
        "messages": [{"role": "system", "content": _ORDER}, {"role": "user", "content": _TEXT}],
        # Room for its hidden reasoning three times over: a cut-off answer would say nothing of the switches.
        "max_completion_tokens": 64 + 3 * facts.reasoning_tokens,
        "temperature": 0.2,
        **facts.reasoning,
    }


def _too_long(listing: Listing, *, free: bool) -> Question | None:
    """Return a question longer than the smallest context there is, None when it would cost if it were answered."""
    rows = [
        (row["context_tokens"], name)
        for name, row in listing.rows.items()
        if row["context_tokens"] and row["active"] and not any(word in name for word in ("whisper", "orpheus", "tts"))
    ]
    if not rows:
        return None
    tokens, model = min(rows)
    # A word with its blank is about one token in every vocabulary; a third more makes sure.
    long = [{"role": "user", "content": "sock " * (tokens * 4 // 3)}]
    body = {"model": model, "messages": long, "max_completion_tokens": 1}
    if not free and _usd(body) > _MOST_USD:
        return None
    return Question(
        name="text too long",
        about=f"how a text beyond the context of {model} is refused",
        body=body,
        model=model,
        refused=True,
    )


def _beyond_the_limit(facts: Mapping[str, Fact]) -> Question | None:
    """Return a request larger than its model may have in a minute, where its ceiling is, and where that is cheap."""
    answers = {fact.model: fact for name, fact in facts.items() if fact.model and name == f"answer of {fact.model}"}
    for model in sorted(answers, key=lambda m: model_facts(m).completion_usd or _DEAR_USD_PER_MILLION):
        limit = number_of(answers[model].headers.get("x-ratelimit-limit-tokens"))
        if limit and limit <= model_facts(model).max_completion_tokens:
            body = {**_chat(model), "max_completion_tokens": int(limit)}
            if _usd(body) <= _MOST_USD:
                return Question(
                    name="beyond the minute",
                    about="how a request larger than the tokens of a minute is refused",
                    body=body,
                    model=model,
                    refused=True,
                )
    return None


async def _ask(client: GroqClient, question: Question) -> Fact:
    try:
        for tries in range(2):
            method = "GET" if question.body is None else "POST"
            answer = await asyncio.wait_for(client.ask(method, question.path, question.body), _PATIENCE_S)
            refusal = answer.read_as
            waits = isinstance(refusal, LimitReachedError) and not refusal.too_large and not question.refused
            if not waits or tries or refusal is None or not 0 <= (refusal.wait_s or 0.0) <= _PATIENCE_S:
                break
            await asyncio.sleep(refusal.wait_s or 1.0)
        return fact_of(question.name, question.about, answer, model=question.model, chat=question.body is not None)
    except (UnreachableError, TimeoutError) as error:
        said = str(error) or f"No answer in {_PATIENCE_S:.0f} seconds."
        return Fact(
            name=question.name, about=question.about, model=question.model, status=None, error={"message": said}
        )


def _usd(body: Mapping[str, Any]) -> float:
    facts = model_facts(str(body["model"]))
    # English takes about four bytes a token; the provider's own frame adds up to a hundred.
    prompt_tokens = len(orjson.dumps(body)) / 4 + 100
    prompt = facts.prompt_usd if facts.prompt_usd is not None else _DEAR_USD_PER_MILLION
    completion = facts.completion_usd if facts.completion_usd is not None else _DEAR_USD_PER_MILLION
    return float(prompt_tokens * prompt + body["max_completion_tokens"] * completion) / 1_000_000
