"""Makes a selection's segments ready and looks them up in the memory: before the plan where they are few.

Each is made ready once. What was known then is not looked up again; what was not is asked for once more when it is
claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from ketl._batches import batches
from ketl.catalog.units import Segment, Text
from ketl.language.glossary import Glossary
from ketl.memory.memory import Memory
from ketl.prompts.brief import NO_TERMS
from ketl.prompts.prepared import Prepared
from ketl.results.outcome import Outcome, Status
from ketl.runs.consistency_pass import TermSheet
from ketl.runs.selection import Selection

# Looking up more than this before the plan would hold it up for longer than it is worth.
MOST_LOOKED_UP = 6_000
_AT_ONCE = 500


class Recalled(NamedTuple):
    """One segment made ready, with the first text that has it, its fingerprint, and how it ended before if it did.

    `end` is there for a segment that needs no request: it is known, or nothing in it can be translated. The
    fingerprint is empty where no memory is used.
    """

    item: Prepared
    text: Text
    fingerprint: str
    end: Outcome | None


class Recall:
    """The segments of one selection, made ready and looked up. `from_memory` counts what `look_ahead` found.

    `done` are the ids of segments that ended before, in the run that is resumed: they are left out.
    """

    def __init__(
        self, selection: Selection, memory: Memory | None, sheet: TermSheet, done: Collection[tuple[bytes, str]]
    ) -> None:
        self.from_memory = 0
        self._selection = selection
        self._memory = memory
        self._sheet = sheet
        self._done = done
        self._ahead: dict[tuple[bytes, str], Recalled] = {}

    @property
    def worth_looking_ahead(self) -> bool:
        """Whether there is a memory, and few enough segments to look them all up before the plan."""
        segments = self._selection.census.distinct * len(self._selection.languages)
        return self._memory is not None and segments <= MOST_LOOKED_UP

    def segments(self) -> Iterator[tuple[Segment, Text]]:
        """Return the segments that have not ended before, each with the first text that has it."""
        every = self._selection.cuttings.segments(self._selection.languages)
        return (pair for pair in every if pair[0].id not in self._done) if self._done else every

    def look_ahead(self) -> None:
        """Look everything up, and keep it for when it is fed. Texts whose terms are not known yet must wait."""
        aside: dict[str, list[tuple[Segment, Text]]] = {}
        now: list[tuple[Segment, Text]] = []
        for segment, text in self.segments():
            if segment.key in self._sheet.waiting:
                aside.setdefault(segment.language.tag, []).append((segment, text))
            else:
                now.append((segment, text))
        self._keep(self.of(now))
        for found in self._ahead.values():
            if found.end is not None:
                self._sheet.take(found.end)
        for tag, waiting in aside.items():
            if self._sheet.ready(tag):
                self._keep(self.of(waiting, self._sheet.glossary(tag)))

    def _keep(self, found: Iterable[Recalled]) -> None:
        for entry in found:
            self._ahead[entry.item.segment.id] = entry
            self.from_memory += entry.end is not None and entry.end.from_memory

    def of(self, segments: list[tuple[Segment, Text]], pinned: Glossary = NO_TERMS) -> list[Recalled]:
        """Return these segments made ready and looked up, `pinned` being the terms that the run fixed by now.

        Raises RunError when the database fails.
        """
        found: list[Recalled] = []
        for batch in batches(segments, _AT_ONCE):
            found += self._look(batch, pinned)
        return found

    def _look(self, segments: list[tuple[Segment, Text]], pinned: Glossary) -> list[Recalled]:
        brief, memory, ahead = self._selection.brief, self._memory, self._ahead
        # Plain tuples in the form of `Recalled`, of which a known catalogue would make two a segment.
        made: list[tuple[Prepared, Text, str, Outcome | None]] = []
        prints: dict[tuple[bytes, str], str] = {}
        for segment, text in segments:
            entry = ahead.pop(segment.id, None) if ahead else None
            if entry is not None:
                item, text, fingerprint, end = entry
            else:
                item = brief.prepare(segment, pinned)
                fingerprint, end = "", None if item.ready is None else _nothing_to_do(item, item.ready)
                if memory is not None and end is None:
                    fingerprint = prints[segment.id] = brief.fingerprint(item)
            made.append((item, text, fingerprint, end))
        known = memory.recall(prints) if memory is not None and prints else {}
        return [
            Recalled(item, text, fingerprint, end or known.get(item.segment.id))
            for item, text, fingerprint, end in made
        ]


def _nothing_to_do(item: Prepared, text: str) -> Outcome:
    return Outcome(key=item.segment.key, language_tag=item.segment.language.tag, status=Status.TRANSLATED, text=text)
