"""Feeds a selection's segments to the engine: those that the memory has end at once, the others ride in requests.

Each segment is asked for once: within the run, and between runs of the same database, which wait for each other's
answers instead of paying twice. Runs of one connection hand them over directly, others through the memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice

from ketl.catalog.units import Segment, Text
from ketl.checks.base import has_error
from ketl.engine.work import Work
from ketl.language.glossary import Glossary
from ketl.memory.memory import Remembered
from ketl.planning.packing import Packer
from ketl.prompts.brief import NO_TERMS
from ketl.prompts.prepared import Prepared
from ketl.results.events import Ended, Event
from ketl.results.outcome import Outcome, Status
from ketl.runs.claims import Claims
from ketl.runs.consistency_pass import TermSheet
from ketl.runs.recall import Recall, Recalled
from ketl.runs.shared_claims import Found, SharedClaims
from ketl.store.claims import ClaimKey

_FEWEST_AT_ONCE = 240
_MOST_AT_ONCE = 4 * _FEWEST_AT_ONCE  # several milliseconds of the loop's time
_LOOK_EVERY_S = 0.5


class Feeder:
    """Feeds one run's work. `take` gets the ends of segments that need no request; `turn` is held while the memory is
    asked, by whoever else keeps a thread busy with the database, too.

    `shared` None: the run shares no answers with others, as one that does without the memory. `packs` counts the
    requests that were made of the segments; `kept` holds the packs themselves when `keep`
    asks for it, to run them again as a baseline.
    """

    def __init__(
        self,
        recall: Recall,
        sheet: TermSheet,
        claims: Claims,
        work: Work,
        sizes: Mapping[str, int],
        take: Callable[[Event], None],
        *,
        turn: asyncio.Lock,
        shared: SharedClaims | None,
        keep: bool,
    ) -> None:
        self.packs = 0
        self.kept: list[Sequence[Prepared]] = []
        self._recall = recall
        self._sheet = sheet
        self._claims = claims
        self._work = work
        self._take = take
        self._turn = turn
        self._shared = shared
        self._keep = keep
        self._sizes = sizes
        self._packer = Packer(sizes)
        self._aside: dict[str, list[tuple[Segment, Text]]] = {}
        self._asked: dict[tuple[bytes, str], Recalled] = {}
        self._unflushed: list[ClaimKey] = []
        self._loop = asyncio.get_running_loop()

    def ended(self, outcome: Outcome, run_id: str) -> Remembered | None:
        """Take in how a segment of this run ended, for whoever waits; return what the memory is to keep of it."""
        self._sheet.take(outcome)
        asked = self._asked.pop((outcome.key, outcome.language_tag), None)
        if asked is None or self._shared is None:
            return None
        key = _claim_key(asked)
        entry = to_remember(asked, outcome, run_id)
        if entry is not None:
            self._claims.keep(key, outcome)
            self._unflushed.append(key)
        else:
            self._shared.let_go([key])
        self._claims.resolve(key, outcome)
        return entry

    @property
    def unflushed(self) -> int:
        """How many translations of this run the memory does not have yet."""
        return len(self._unflushed)

    def flushed(self, count: int) -> None:
        """Take in that the memory has the first `count` of them now."""
        if self._shared is None or not count:
            return
        self._claims.forget(self._unflushed[:count])
        self._shared.let_go(self._unflushed[:count])
        del self._unflushed[:count]

    def release(self) -> None:
        """Let go of every segment that this run did not finish, so that others ask for it themselves."""
        if self._shared is not None:
            self._shared.stop_waiting()
            for asked in self._asked.values():
                self._claims.resolve(_claim_key(asked), None)
        self._asked = {}

    async def close(self) -> None:
        """Let go of what other processes still see as claimed, once the memory has all that it will get."""
        if self._shared is not None:
            await self._shared.close()

    async def feed(self) -> None:
        """Bring every segment on its way and say so when the last one is."""
        every = self._recall.segments()
        await self._feed((pair for pair in every if not self._put_aside(pair)) if self._sheet.waiting else every)
        while self._aside and self._work.stopped is None:
            ready = [tag for tag in self._aside if self._sheet.ready(tag)]
            for tag in ready:
                await self._feed(self._aside.pop(tag), self._sheet.glossary(tag))
            if not ready:
                await self._sheet.wait(_LOOK_EVERY_S)
        self._work.fed()

    async def _feed(self, segments: Iterable[tuple[Segment, Text]], pinned: Glossary = NO_TERMS) -> None:
        """Send segments on their way, some hundreds at a time, and more while all of them are known: nothing waits."""
        rest = iter(segments)
        at_once = _FEWEST_AT_ONCE
        while self._work.stopped is None and (batch := list(islice(rest, at_once))):
            at_once = min(2 * at_once, _MOST_AT_ONCE)
            recalled = await self._recalled(batch, pinned)
            now_s = self._loop.time() - self._work.started
            unknown: list[Recalled] = []
            for found in recalled:
                if found.end is not None:
                    self._take(Ended(found.end, now_s))
                else:
                    unknown.append(found)
            if unknown:
                at_once = _FEWEST_AT_ONCE
                for found in await self._claimed(unknown):
                    for pack in self._packer.add(found.item):
                        self._put(pack)
            await self._work.room()
            await asyncio.sleep(0)  # let answers in while a long catalogue is being read
        for pack in self._packer.rest():
            self._put(pack)

    async def _recalled(self, batch: list[tuple[Segment, Text]], pinned: Glossary) -> list[Recalled]:
        # Without a memory, too: making a text of a megabyte ready takes a second.
        async with self._turn:
            return await asyncio.to_thread(self._recall.of, batch, pinned)

    def _put(self, pack: Sequence[Prepared]) -> None:
        if self._work.stopped is None:
            self.packs += 1
            if self._keep:
                self.kept.append(pack)
            self._work.put(pack)

    def _put_aside(self, pair: tuple[Segment, Text]) -> bool:
        """Keep a text that mentions an option back until that option is translated."""
        segment, _ = pair
        if segment.key not in self._sheet.waiting:
            return False
        self._aside.setdefault(segment.language.tag, []).append(pair)
        return True

    def _end(self, outcome: Outcome) -> None:
        self._take(Ended(outcome, self._loop.time() - self._work.started))

    async def _claimed(self, wanted: list[Recalled]) -> list[Recalled]:
        """Take segments for this run and return those it has got; the others' answers are taken or waited for."""
        here = [found for found in wanted if self._claim(found)]
        if self._shared is None or not here:
            return here
        async with self._turn:
            ours, known = await self._shared.take([_claim_key(found) for found in here])
        elsewhere = [found for found in here if _claim_key(found) not in ours]
        if not elsewhere:
            return here
        for _ in elsewhere:
            self._work.hold()
        self._settle(Found(set(), known))
        self._shared.wait(map(_claim_key, (f for f in elsewhere if f.item.segment.id not in known)), self._settle)
        return [found for found in here if _claim_key(found) in ours]

    def _claim(self, found: Recalled) -> bool:
        """Take a segment from the runs of this connection; False when one has it, whose answer is taken or awaited."""
        if self._shared is not None:
            key = _claim_key(found)
            answer = self._claims.answer(key)
            if answer is not None:
                self._end(answer._replace(from_memory=True, seconds=None))
                return False
            if not self._claims.take(key):
                self._work.hold()
                self._claims.wait(key, partial(self._arrived, found))
                return False
        self._asked[found.item.segment.id] = found
        return True

    def _arrived(self, found: Recalled, outcome: Outcome | None) -> None:
        """Take another run's answer; without a good one the first who waited asks, and the others wait for that."""
        if self._work.stopped is None:
            if outcome is not None and outcome.status is Status.TRANSLATED:
                self._end(outcome._replace(from_memory=True, seconds=None))
            elif self._claim(found) and self._shared is not None:
                # Another process may have been quicker; the segment stays held until that is known.
                self._shared.wait([_claim_key(found)], self._settle)
                return
        self._work.release()

    def _settle(self, found: Found) -> None:
        """Take in what became of held segments: an answer that came into the memory, or a claim to ask for one."""
        for outcome in found.known.values():
            if self._work.stopped is None:
                self._end(outcome)
            self._work.release()
        packer = Packer(self._sizes)
        for key, tag, _ in found.ours:
            for pack in packer.add(self._asked[key, tag].item):
                self._put(pack)
        for pack in packer.rest():
            self._put(pack)
        for _ in found.ours:
            self._work.release()


def _claim_key(found: Recalled) -> ClaimKey:
    return (*found.item.segment.id, found.fingerprint)


def to_remember(asked: Recalled, outcome: Outcome, run_id: str) -> Remembered | None:
    """Return a run's new translation as the memory keeps it, None for one that must not be used again.

    A failure is none, and a text that a check of severity error doubts must be seen by a person first.
    """
    if outcome.status is not Status.TRANSLATED or not outcome.model or outcome.from_memory:
        return None
    if has_error(outcome.findings):
        return None
    text = asked.text
    return Remembered(
        key=outcome.key,
        language_tag=outcome.language_tag,
        kind=text.kind,
        source=text.source,
        translation=outcome.text,
        fingerprint=asked.fingerprint,
        model=outcome.model,
        run_id=run_id,
        findings=outcome.findings,
        product_id=text.product_id,
        field=text.field,
        item=text.item,
    )
