"""A survey of the real provider: the questions, their price, the same asked of the local server, and what differs."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from ketl._figures import counted
from ketl._words import redact
from ketl.errors import AuthenticationError, UnreachableError
from ketl.provider.groq import GroqClient
from ketl.runs import live_questions
from ketl.runs.connection import local_survey_server
from ketl.runs.doctor import versions
from ketl.runs.live_differences import Difference, clock_off_s, from_local, from_tables, plan_named_by
from ketl.runs.live_facts import Fact, Listing
from ketl.runs.live_questions import Question
from ketl.settings import DEMO_KEY, Settings

_OWN_PLACE = "api.groq.com"
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one provider answered and where that is not what was expected; it can be shown to anyone."""

    place: str
    price_usd: float
    clock_off_s: float | None
    listing: Listing
    facts: Mapping[str, Fact]
    plans: Mapping[str, str | None]
    differences: Sequence[Difference]

    @property
    def broken(self) -> bool:
        """Whether the program cannot work with this provider: the key refused, or no model for some languages."""
        refused = [f for f in self.facts.values() if f.name != "bad key" and f.read_as == AuthenticationError.__name__]
        return bool(refused) or any(difference.breaks for difference in self.differences)

    def as_json(self) -> dict[str, Any]:
        """Return everything for programs."""
        return {
            "versions": versions(),
            "place": self.place,
            "price_usd": self.price_usd,
            "clock_off_s": self.clock_off_s,
            "models": dict(self.listing.rows),
            "plans": dict(self.plans),
            "facts": [asdict(fact) for fact in (self.listing.fact, *self.facts.values())],
            "differences": [{**asdict(d), "said": str(d)} for d in self.differences],
        }

    def lines(self) -> list[str]:
        """Return everything in words: the differences first, then each question with what came back."""
        said = [f"{name} {version}" for name, version in versions().items()]
        count = len(self.differences)
        clock = "" if self.clock_off_s is None else f"; this clock {self.clock_off_s:+,.0f} s from the provider's"
        found = [
            f"Survey of {self.place}, nothing secret in it: please paste all of it into a report.",
            f"With {', '.join(said)}{clock}.",
            "",
            f"{counted(count, 'difference')} from our tables and from the local server",
            *(f"- {difference}" for difference in self.differences),
            "",
            "What came back",
            f"- models: {self.listing.fact.status}; {', '.join(sorted(self.listing.rows)[:_MOST_SHOWN]) or 'no list'}",
            *(f"- plan of {model}: {plan or 'none of ours'}" for model, plan in self.plans.items()),
        ]
        seen: set[tuple[str, ...]] = set()
        return [redact(line) for line in (*found, *(_line(fact, seen) for fact in self.facts.values()))]


class Live:
    """Surveys the provider of the settings, an async context manager: `begin` is free, `finish` asks the rest."""

    def __init__(self, settings: Settings) -> None:
        assert settings.api_key is not None, "without a key there is no provider to survey"
        self._client = GroqClient(settings.api_key, settings.base_url)
        self._stranger = live_questions.stranger_to(settings.base_url)
        own = settings.base_url is None or urlsplit(settings.base_url).hostname == _OWN_PLACE
        # The name of somebody's gateway is nobody else's business.
        self.place = _OWN_PLACE if own else "an address of your own (GROQ_BASE_URL)"
        self._listing: Listing | None = None
        self._asked: list[Question] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
        await self._stranger.close()

    async def begin(self) -> None:
        """Ask for the list of models, which is free.

        Raises UnreachableError when nothing answers, AuthenticationError when the key is refused.
        """
        try:
            self._listing = await live_questions.list_models(self._client)
        except TimeoutError as error:
            raise UnreachableError("The provider did not answer in a minute. Check the network.") from error
        if self._listing.fact.read_as == AuthenticationError.__name__:
            raise AuthenticationError("The provider refused the API key. Check GROQ_API_KEY before anything else.")
        self._asked = live_questions.questions(self._listing)

    @property
    def count(self) -> int:
        """How many questions there are; one more may follow from the answers."""
        return len(self._asked)

    @property
    def price_usd(self) -> float:
        """The most that they cost, in US dollars by our price table."""
        return live_questions.price_usd(self._asked)

    async def finish(self) -> Survey:
        """Ask the questions, then the local server the same, and return what was found; no answer raises."""
        assert self._listing is not None, "begin() comes first"
        facts = await live_questions.ask(self._client, self._stranger, self._asked)
        plans = {f.model: plan_named_by(f.headers) for f in facts.values() if f.model and f.name.startswith("answer")}
        local = await _ask_local("free" if "free" in plans.values() else "developer", facts.keys())
        return Survey(
            place=self.place,
            price_usd=self.price_usd,
            clock_off_s=clock_off_s(self._listing.date, datetime.datetime.now(tz=datetime.UTC)),
            listing=self._listing,
            facts=facts,
            plans=plans,
            differences=[*from_tables(self._listing, facts), *from_local(facts, local)],
        )


async def _ask_local(plan: str, names: Collection[str]) -> dict[str, Fact]:
    """Return the local server's answers to the questions of these names.

    Its plan is the provider's, since the plan decides what is refused.
    """
    with local_survey_server(plan) as address:
        client, stranger = GroqClient(DEMO_KEY, address), live_questions.stranger_to(address)
        try:
            listing = await live_questions.list_models(client)
            asked = [q for q in live_questions.questions(listing, free=True) if q.name in names]
            return await live_questions.ask(client, stranger, asked)
        finally:
            await client.close()
            await stranger.close()


def _line(fact: Fact, seen: set[tuple[str, ...]]) -> str:
    """Return what came back on one question, in words; fields are named where they are not those `seen` before."""
    words = [f"{fact.name}: {fact.status or 'no answer'}"]
    if fact.read_as:
        words.append(f"read as {fact.read_as}")
    words += [f"{name} {value}" for name, value in fact.error.items()]
    words += [f"{name} {value}" for name, value in fact.told.items()]
    words += [f"{name.removeprefix('x-ratelimit-')} {value}" for name, value in fact.headers.items()]
    for what, names in (("usage", fact.usage), ("message", fact.message)):
        if names and names not in seen:
            seen.add(names)
            words.append(f"{what} has {' '.join(names)}")
    return f"- {'; '.join(words)}"
