"""Drives the engine without a run around it: packs of texts, lanes side by side, limits, and what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from ketl.catalog.units import Segment, text_key
from ketl.engine.admission import Dispatcher
from ketl.engine.lane_routes import LaneRoute
from ketl.engine.work import Work, WorkLimits
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary
from ketl.language.languages import find_language
from ketl.prompts.brief import Brief
from ketl.prompts.prepared import Prepared
from ketl.provider.lane import Lane
from ketl.provider.protocol import Call, Reply
from ketl.results.events import Ended
from ketl.results.outcome import Outcome
from tests.fakes import FakeProvider, lanes_for, run_by_hand

BRIEF = Brief(Glossary(), BrandVoice())
NO_LIMITS = WorkLimits()


def prepared(*sources: str, language: str = "es") -> list[Prepared]:
    """Return texts made ready to travel."""
    spanish = find_language(language)
    return [BRIEF.prepare(Segment(text_key("prose", source), "prose", source, spanish)) for source in sources]


def reply(content: str, finish_reason: str = "stop", *, prompt: int | None = 300, completion: int | None = 40) -> Reply:
    return Reply(content=content, finish_reason=finish_reason, prompt_tokens=prompt, completion_tokens=completion)


def jackets(count: int, *, language: str = "es") -> list[Prepared]:
    """Return different texts of about one length, no two alike, with a number to lose."""
    return prepared(*(f"A warm jacket with {number} pockets." for number in range(11, 11 + count)), language=language)


@dataclass
class Seen(FakeProvider):
    """A provider that keeps every call whole, when it began and, if so, was cancelled, and each answer's tokens."""

    whole: list[Call] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    cancelled: dict[int, float] = field(default_factory=dict)
    tokens: list[int] = field(default_factory=list)

    async def complete(self, call: Call) -> Reply:
        number = len(self.whole)
        self.whole.append(call)
        self.began.append(asyncio.get_running_loop().time())
        try:
            reply = await super().complete(call)
            self.tokens.append((reply.prompt_tokens or 0) + (reply.completion_tokens or 0))
            return reply
        except asyncio.CancelledError:
            self.cancelled[number] = asyncio.get_running_loop().time()
            raise

    @property
    def sizes(self) -> list[int]:
        """How many texts each call carried."""
        return [len(user["segments"]) for _, _, user in self.calls]

    @property
    def models_asked(self) -> list[str]:
        """The model of each call."""
        return [call.model for call in self.whole]


@dataclass
class Happened:
    """What came of it: every event, and the loop's time at which all was drained."""

    events: list[Any]
    ended_at: float
    work: Work

    def of(self, kind: type) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """How each text ended, by its key."""
        return {event.outcome.key.hex(): event.outcome for event in self.of(Ended)}


def work_through(
    provider: FakeProvider,
    packs: Sequence[Sequence[Prepared]],
    *,
    lanes: dict[str, Lane] | None = None,
    side_by_side: int = 1,
    limits: WorkLimits = NO_LIMITS,
    meddle: Callable[[Work], Coroutine[Any, Any, None]] | None = None,
) -> Happened:
    """Put the packs, each as one request, and return what happened when all have ended.

    The chain is the provider's models in their order; the first `side_by_side` of them serve from the start.
    """
    chosen = lanes or lanes_for(provider)

    async def go() -> Happened:
        loop = asyncio.get_running_loop()
        dispatcher = Dispatcher(provider, chosen, round_trip_s=0.004)
        events: list[Any] = []
        chain = tuple(chosen.values())
        group = packs[0][0].segment.language.group
        routes = {group: LaneRoute(chain, chain[:side_by_side])}
        work = Work(dispatcher, BRIEF, routes, events.append, limits, started=loop.time())
        dispatcher.add(work)
        for pack in packs:
            work.put(pack)
        work.fed()
        beside = asyncio.ensure_future(meddle(work)) if meddle else None
        await work.drained()
        dispatcher.remove(work)
        if beside is not None:
            await beside
        return Happened(events, loop.time(), work)

    return run_by_hand(go())
