"""Shared stand-ins: a hand-moved event loop, and a provider that answers from a script."""

from __future__ import annotations

import asyncio
import json
import selectors
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ketl.catalog.catalog import Catalog
from ketl.errors import RunError
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary
from ketl.language.languages import find_languages
from ketl.prompts.brief import Brief
from ketl.provider.lane import Lane
from ketl.provider.limits import Limits
from ketl.provider.models import model_facts
from ketl.provider.protocol import NO_LIMIT_FACTS, Call, LimitFacts, ListedModel, Reply
from ketl.provider.tiers import load_tier
from ketl.runs.connection import Connection
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.runs.selection import Selection, cut
from ketl.store.store import Store

T = TypeVar("T")
WESTERN = "llama-3.3-70b-versatile"
ASIAN = "qwen-2.5-32b"
ARABIC = "mistral-saba-24b"
SUCCESSOR = "openai/gpt-oss-120b"


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Jumps the loop's clock to the next timer instead of waiting for it."""

    loop: HandMovedLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            # Only a thread can wake the loop now; a test that has none would hang for ever.
            ready = super().select(10)
            assert ready, "nothing is scheduled and nothing happens: the code under test waits for ever"
            return ready
        self.loop.clock += timeout
        return []


class HandMovedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only from timer to timer: hours pass in milliseconds."""

    def __init__(self) -> None:
        self.clock = 1000.0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.clock

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        # The clock would run ahead of a thread: what belongs into one is done in line.
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - its name
        # Newer Pythons give the threads 300 s, which this clock would jump over at once.
        await super().shutdown_default_executor()


def run_by_hand(coro: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a hand-moved loop."""
    with asyncio.Runner(loop_factory=HandMovedLoop) as runner:
        return runner.run(coro)


ACCENTS = str.maketrans("aeioucnyAEIOU", "áéíóúçñýÁÉÍÓÚ")


_FIRST = {"ja": 0x30A2, "zh-Hans": 0x4E01, "ko": 0xAC00, "ar": 0x0628, "ru": 0x0430, "th": 0x0E01, "hi": 0x0915}


def pseudo(text: str, tag: str) -> str:
    """Return a text that passes every check as a translation into `tag`: numbers and marks as they were."""
    first = _FIRST.get(tag)
    if first is None:
        return text.translate(ACCENTS)
    return text.translate({ord(c): first + (ord(c.lower()) - 97) % 18 for c in _LETTERS})


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class FakeProvider:
    """A client that answers from functions: `seconds` says how long a call takes, `answer` what comes.

    `answer` returns the content, a Reply, or an error to raise. Counts what it sees.
    """

    answer: Callable[[Call, dict[str, Any], int], str | Reply | RunError] | None = None
    seconds: Callable[[Call, dict[str, Any], int], float] = lambda call, user, number: 0.5
    models: tuple[str, ...] = (WESTERN, ASIAN, ARABIC, SUCCESSOR)
    limits: LimitFacts = NO_LIMIT_FACTS
    calls: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0

    encrypted = False

    async def complete(self, call: Call) -> Reply:
        user = json.loads(call.user)
        number = len(self.calls)
        self.calls.append((asyncio.get_running_loop().time(), call.model, user))
        for text in user["segments"].values():
            self.asked[text, user["target_tag"]] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self.answer(call, user, number) if self.answer else translated(user)
            refusal = isinstance(answer, RunError)
            await asyncio.sleep(0.002 if refusal else self.seconds(call, user, number))
        finally:
            self.in_flight -= 1
        if isinstance(answer, RunError):
            raise answer
        if isinstance(answer, Reply):
            return answer
        return Reply(
            content=answer,
            finish_reason="stop",
            prompt_tokens=len(call.system) // 4 + len(call.user) // 4,
            completion_tokens=len(answer) // 4 + 1,
            limits=self.limits,
        )

    async def list_models(self) -> list[ListedModel]:
        return [ListedModel(id=name) for name in self.models]

    async def close(self) -> None:
        return None


def translated(user: dict[str, Any], **changes: str | None) -> str:
    """Return the right answer to a user message; `changes` by key replace a text, or drop it with None."""
    texts = {key: pseudo(text, user["target_tag"]) for key, text in user["segments"].items()}
    for key, value in changes.items():
        if value is None:
            texts.pop(key, None)
        else:
            texts[key] = value
    return json.dumps(texts, ensure_ascii=False)


def products(count: int, *, colors: tuple[str, ...] = ()) -> Catalog:
    """Return a catalogue of `count` jackets with three different texts each."""
    return Catalog.of(
        [
            {
                "product_id": number,
                "product_name": f"Summit Jacket model {number}",
                "product_features": f"Warm lining, taped seams, {number} pockets",
                "other_details": f"A jacket for {number + 1} days of rain. It packs into its own hood.",
                **({"available_colors": list(colors)} if colors else {}),
            }
            for number in range(1, count + 1)
        ]
    )


def selection(catalog: Catalog, *languages: str, **job: Any) -> Selection:
    """Return a selection without glossary and brand voice, so that a test sees only its own texts."""
    job.setdefault("pack", 1)
    job.setdefault("memory", False)
    made = Job(languages=languages, **job)
    fields = ("name", "features", "fabric", "details", "colors")
    cuttings, census = cut(catalog, fields)
    return Selection(
        job=made,
        catalog=catalog,
        fields=fields,
        languages=find_languages(languages),
        brief=Brief(Glossary(), BrandVoice()),
        cuttings=cuttings,
        census=census,
    )


def lanes_for(provider: FakeProvider, limits: Limits | None = None, plan: str = "unlimited") -> dict[str, Lane]:
    """Return fresh lanes for the provider's models."""
    chosen = load_tier(plan)
    return {
        name: Lane(model_facts(name), limits or chosen.limits_of(name), auto=chosen.auto, plan=plan)
        for name in provider.models
    }


def open_fake(provider: FakeProvider, lanes: dict[str, Lane]) -> Connection:
    """Return a session with the provider on the running loop."""
    listed = [ListedModel(id=name) for name in provider.models]
    return Connection(provider, lanes, listed, engine="groq", account="test", round_trip_s=0.004)


def translate(
    provider: FakeProvider,
    chosen: Selection,
    lanes: dict[str, Lane] | None = None,
    *,
    watch: Callable[[Any], None] = lambda event: None,
    meddle: Callable[[Run], Coroutine[Any, Any, None]] | None = None,
    store: Store | None = None,
) -> RunResult:
    """Run a selection against the provider on a hand-moved loop; `meddle` runs beside it."""

    async def go() -> RunResult:
        run = Run(chosen, open_fake(provider, lanes or lanes_for(provider)), store, watch)
        beside = asyncio.ensure_future(meddle(run)) if meddle else None
        result = await run.execute()
        if beside is not None:
            await beside
        return result

    return run_by_hand(go())
