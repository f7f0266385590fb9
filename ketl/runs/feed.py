"""Brings a selection's segments to the engine: from the memory if it has them, else packed into requests.

Each segment is asked for once: within the run, and between runs of the same session, which wait for each
other's answers instead of paying twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from ketl.catalog.units import Segment, Text, cut_texts
from ketl.engine.work import Work
from ketl.memory.memory import Memory
from ketl.planning.packing import Packer
from ketl.prompts.brief import Prepared
from ketl.results.events import Ended, Event
from ketl.results.outcome import Outcome, Status
from ketl.runs.claims import Claim
from ketl.runs.connection import Session
from ketl.runs.consistency_pass import MOST_TEXTS, TermSheet
from ketl.runs.selection import Selection

_CHUNK = 240
_LOOK_EVERY_S = 0.5


# Looking up more than this before a run would hold the plan up for longer than it is worth.
MOST_LOOKED_UP = 6_000


def segments_of(selection: Selection) -> Iterator[Segment]:
    """Yield every segment of a selection once, product by product and language by language."""
    seen: set[bytes] = set()
    for product in selection.catalog:
        fresh: list[Text] = []
        for text in cut_texts(product, selection.fields):
            if text.key not in seen:
                seen.add(text.key)
                fresh.append(text)
        for language in selection.languages:
            for text in fresh:
                yield Segment(text.key, text.kind, text.source, language)


def count_remembered(selection: Selection, memory: Memory) -> int:
    """Return how many segments the memory answers; 0 unasked for selections too large to look up at once."""
    if selection.census.distinct * len(selection.languages) > MOST_LOOKED_UP:
        return 0
    brief = selection.brief
    segments = list(segments_of(selection))
    prints = {segment.id: brief.fingerprint(brief.prepare(segment)) for segment in segments}
    return len(memory.known(segments, prints))


class Intake:
    """Feeds one run's work. `take` gets the ends of segments that need no request.

    `packs` counts the requests that were made of the segments; `kept` holds the packs themselves when `keep`
    asks for it, to run them again as a baseline.
    """

    def __init__(
        self,
        selection: Selection,
        session: Session,
        work: Work,
        sizes: Mapping[str, int],
        take: Callable[[Event], None],
        *,
        memory: Memory | None,
        done_before: Mapping[tuple[bytes, str], Outcome],
        keep: bool,
    ) -> None:
        self.packs = 0
        self.kept: list[Sequence[Prepared]] = []
        self._selection = selection
        self._session = session
        self._work = work
        self._take = take
        self._memory = memory
        self._done_before = done_before
        self._keep = keep
        self._packer = Packer(sizes)
        self._sheet = _term_sheet(selection)
        for outcome in done_before.values():
            self._sheet.take(outcome)
        self._aside: dict[str, list[Segment]] = {}
        self._mine: dict[tuple[bytes, str], tuple[str, Claim]] = {}

    def ended(self, outcome: Outcome) -> None:
        """Take in how a segment of this run ended: others may wait for it."""
        self._sheet.take(outcome)
        mine = self._mine.pop((outcome.key, outcome.language_tag), None)
        if mine is not None:
            fingerprint, claim = mine
            self._session.claims.pop((outcome.key, outcome.language_tag, fingerprint), None)
            claim.resolve(outcome)

    def release(self) -> None:
        """Let go of every segment that this run did not finish, so that others ask for it themselves."""
        for ident, (fingerprint, claim) in self._mine.items():
            self._session.claims.pop((*ident, fingerprint), None)
            claim.resolve(None)
        self._mine = {}

    async def feed(self) -> None:
        """Bring every segment on its way and say so when the last one is."""
        await self._feed(segment for segment in segments_of(self._selection) if not self._put_aside(segment))
        while self._aside and self._work.stopped is None:
            ready = [tag for tag in self._aside if self._sheet.ready(tag)]
            for tag in ready:
                self._selection.brief.pin(tag, self._sheet.glossary(tag))
                await self._feed(self._aside.pop(tag))
            if not ready:
                await self._sheet.wait(_LOOK_EVERY_S)
        self._work.fed()

    async def _feed(self, segments: Iterable[Segment]) -> None:
        """Send segments on their way, some hundreds at a time."""
        wanted = (segment for segment in segments if segment.id not in self._done_before)
        while self._work.stopped is None and (batch := list(islice(wanted, _CHUNK))):
            for item in await self._not_known([self._selection.brief.prepare(segment) for segment in batch]):
                for pack in self._packer.add(item):
                    self._put(pack)
            await self._work.room()
            await asyncio.sleep(0)  # let answers in while a long catalogue is being read
        for pack in self._packer.rest():
            self._put(pack)

    def _put(self, pack: Sequence[Prepared]) -> None:
        if self._work.stopped is None:
            self.packs += 1
            if self._keep:
                self.kept.append(pack)
            self._work.put(pack)

    def _put_aside(self, segment: Segment) -> bool:
        """Keep a text that mentions an option back until that option is translated."""
        if segment.key not in self._sheet.waiting:
            return False
        self._aside.setdefault(segment.language.tag, []).append(segment)
        return True

    async def _not_known(self, chunk: list[Prepared]) -> list[Prepared]:
        """End the segments that need no request, and return those that do."""
        brief, memory = self._selection.brief, self._memory
        rest: list[Prepared] = []
        prints: dict[tuple[bytes, str], str] = {}
        for item in chunk:
            if item.ready is not None:
                self._end(_outcome(item, item.ready))
            else:
                rest.append(item)
                if memory is not None:
                    prints[item.segment.id] = brief.fingerprint(item)
        if memory is not None and rest:
            known = await asyncio.to_thread(memory.recall, [item.segment for item in rest], prints)
            fresh: list[Prepared] = []
            for item in rest:
                kept = known.get(item.segment.id)
                if kept is not None:
                    self._end(kept)
                elif not self._wait_for_other_run(item, prints[item.segment.id]):
                    fresh.append(item)
            rest = fresh
        return rest

    def _end(self, outcome: Outcome) -> None:
        self._take(Ended(outcome, self._session.dispatcher.now() - self._work.started))

    def _wait_for_other_run(self, item: Prepared, fingerprint: str) -> bool:
        """Wait for another run's answer to the same segment, or claim the segment for this run."""
        key = (*item.segment.id, fingerprint)
        claim = self._session.claims.get(key)
        if claim is None:
            claim = self._session.claims[key] = Claim()
            self._mine[item.segment.id] = (fingerprint, claim)
            return False
        waiter: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        claim.waiters.append(waiter)
        self._work.hold()

        def arrived(future: asyncio.Future[Outcome | None]) -> None:
            outcome = future.result()
            if self._work.stopped is None:
                if outcome is not None and outcome.status is Status.TRANSLATED:
                    self._end(replace(outcome, from_memory=True, seconds=None))
                else:
                    self._put([item])
            self._work.release()

        waiter.add_done_callback(arrived)
        return True


def _term_sheet(selection: Selection) -> TermSheet:
    small = selection.catalog.held and selection.census.distinct <= MOST_TEXTS
    texts = (text for product in selection.catalog if small for text in cut_texts(product, selection.fields))
    return TermSheet(texts, selection.languages, selection.brief.glossary)


def _outcome(item: Prepared, text: str) -> Outcome:
    return Outcome(key=item.segment.key, language_tag=item.segment.language.tag, status=Status.TRANSLATED, text=text)
