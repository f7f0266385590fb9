"""Remembers accepted translations by exact source, language and everything that shaped their prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, select

from ketl._batches import batches
from ketl.catalog.products import clean_text
from ketl.catalog.units import Text
from ketl.checks.base import Finding
from ketl.errors import RunError
from ketl.language.languages import Language
from ketl.logs import get_logger
from ketl.results.outcome import Outcome, Status
from ketl.store.database import BATCH, Lookup
from ketl.store.journal import by_language
from ketl.store.records import findings_from_text, findings_to_text, status_from_text
from ketl.store.store import Store
from ketl.store.tables import MEMORY, NO_ITEM, UNITS

logger = get_logger(__name__)

LOCKED = (Status.EDITED, Status.APPROVED)

# One row a segment can be a person's; it lies under this fingerprint, since it holds for every prompt.
_BY_PERSON = ""

# One transaction's worth: a tenth of a second or so, after which other writers get their turn.
_WRITTEN_AT_ONCE = 5_000

_ENTRY_KEY = ("engine", "key", "language_tag", "fingerprint")
_ENTRY = (
    *_ENTRY_KEY, "kind", "source", "translation", "status", "model", "run_id", "findings", "product_id", "field",
    "item", "remembered_at",
)  # fmt: skip
_UNIT_KEY = ("engine", "product_id", "field", "item", "language_tag")
_UNIT = (*_UNIT_KEY, "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One translation in the memory.

    `key` is the key of the source text (see `ketl.catalog.units.Text`); `fingerprint` stands for everything else
    that shaped the prompt, and does not matter for a person's translation. `product_id`, `field` and `item`
    say where it first came from, empty or None when unknown; `at` is in seconds since 1970, None before it
    is stored.
    """

    key: bytes
    language_tag: str
    kind: str
    source: str
    translation: str
    status: Status = Status.TRANSLATED
    fingerprint: str = ""
    model: str = ""
    run_id: str = ""
    findings: tuple[Finding, ...] = ()
    product_id: str = ""
    field: str = ""
    item: int | None = None
    at: float | None = None

    @property
    def locked(self) -> bool:
        """Whether a person edited or approved it, so that no machine may replace it unasked."""
        return self.status in LOCKED


@dataclass(frozen=True, slots=True)
class Former:
    """What a unit said before its source text changed: the old source and the old translation."""

    source: str
    translation: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStats:
    """How much the memory holds of one engine and language: all rows, and those that a person locked."""

    engine: str
    language_tag: str
    translations: int
    locked: int


class Memory:
    """The translations of one engine ("groq" or "demo"), which are never served to the other.

    Every method raises RunError with a sentence when the database fails.
    """

    def __init__(self, store: Store, engine: str) -> None:
        self._database = database = store.database
        self.engine = engine
        ours = [MEMORY.c.engine, MEMORY.c.language_tag]
        self._find = Lookup(database, [MEMORY.c[name] for name in _ENTRY], fixed=ours, listed=MEMORY.c.key)
        told_apart = [MEMORY.c.key, MEMORY.c.fingerprint]
        end = [*told_apart, *(MEMORY.c[name] for name in ("kind", "translation", "status", "model", "findings"))]
        self._find_ends = Lookup(database, end, fixed=ours, listed=MEMORY.c.key, packed=True)
        self._find_locked = Lookup(database, [MEMORY.c.key], fixed=[*ours, MEMORY.c.fingerprint], listed=MEMORY.c.key)
        insert = database.insert(MEMORY)
        newer = {name: insert.excluded[name] for name in _ENTRY[len(_ENTRY_KEY) :]}
        put, keys = insert.on_conflict_do_update(index_elements=_ENTRY_KEY, set_=newer), len(_ENTRY_KEY)
        self._put = database.insertion(put, _ENTRY, keys=keys)
        # Between our look and our writing another process may have locked the same segment.
        put = insert.on_conflict_do_nothing(index_elements=_ENTRY_KEY)
        self._put_if_none = database.insertion(put, _ENTRY, keys=keys)
        insert = database.insert(UNITS)
        fresh = insert.excluded["key"]
        self._note_unit = database.insertion(
            # A unit whose text is still the same, most often all of them, is not written again.
            insert.on_conflict_do_update(
                index_elements=_UNIT_KEY, set_={"key": fresh, "previous_key": UNITS.c.key}, where=UNITS.c.key != fresh
            ),
            _UNIT,
            keys=len(_UNIT_KEY),
        )

    def recall(self, fingerprints: Mapping[tuple[bytes, str], str]) -> dict[tuple[bytes, str], Outcome]:
        """Return how each segment ends that the memory has a translation of, by the segment's id.

        A person's translation comes first, whatever the prompt was then; a machine's counts only if it came
        from the same prompt: `fingerprints` gives each wanted segment's, by id.
        """
        found: dict[tuple[bytes, str], Outcome] = {}
        with self._database.transaction() as connection:
            for tag, keys in by_language(fingerprints):
                by_person: set[bytes] = set()
                for row in self._find_ends.rows(connection, (self.engine, tag), keys):
                    key, fingerprint, kind, text, status, model, findings = row
                    ident = (key, tag)
                    if fingerprint == _BY_PERSON:
                        by_person.add(key)
                    elif key in by_person or fingerprints[ident] != fingerprint:
                        continue
                    try:
                        found[ident] = Outcome(
                            key=key,
                            language_tag=tag,
                            status=status_from_text(status),
                            text=text,
                            model=model,
                            findings=findings_from_text(findings) if findings else (),
                            from_memory=True,
                            kind=kind,
                        )
                    except RunError as error:
                        # One damaged row is a text that is asked for again, and no reason to stop a run.
                        logger.warning("A remembered translation into %s is passed over: %s", tag, error)
        return found

    def remember(self, entries: Iterable[Remembered], *, overwrite: bool = False) -> int:
        """Keep translations, 5,000 a transaction, and return how many were taken.

        Entries without a translation, failed or cancelled, are passed over. A person's translation is never
        replaced, by a machine or by a file, unless `overwrite` says so. Raises ValueError for a machine's
        translation without a fingerprint: it could never be recalled.
        """
        taken = 0
        now = self._database.clock()
        usable = (e for e in entries if e.translation.strip() and (e.locked or e.status is Status.TRANSLATED))
        # The entries may themselves be read from the database: they are drawn between transactions, not within.
        for batch in batches(usable, _WRITTEN_AT_ONCE):
            with self._database.transaction() as connection:
                taboo = self._locked(connection, batch)
                if overwrite:
                    self._delete(connection, taboo, MEMORY.c.status.in_(LOCKED))
                else:
                    batch = [entry for entry in batch if (entry.key, entry.language_tag) not in taboo]
                for by_person in (False, True):
                    rows = [self._to_row(entry, now) for entry in batch if entry.locked is by_person]
                    if rows:
                        put = self._put_if_none if by_person and not overwrite else self._put
                        self._database.write(connection, put, rows)
                self._note(
                    connection,
                    [(e.product_id, e.field, e.item, e.language_tag, e.key) for e in batch if e.field],
                )
            taken += len(batch)
        return taken

    def note_units(self, texts: Iterable[Text], language_tag: str) -> None:
        """Note which source text each unit has now, so that `former` can tell when it changes."""
        for batch in batches(texts, _WRITTEN_AT_ONCE):
            units = [(t.product_id, t.field, t.item, language_tag, t.key) for t in batch]
            with self._database.transaction() as connection:
                self._note(connection, units)

    def former(self, texts: Sequence[Text], language_tag: str) -> dict[tuple[str, str, int | None], Former]:
        """Return what units said before their text changed, by product id, field and item.

        A unit whose text is new or has not changed since it was first noted is not in the answer, nor one
        whose old translation is no longer remembered. It works before the changed text is translated (the
        row is outdated) and after (to compare old and new).
        """
        old: dict[tuple[str, str, int | None], bytes] = {}
        now = {(text.product_id, text.field, text.item): text.key for text in texts}
        with self._database.transaction() as connection:
            for batch in batches(dict.fromkeys(text.product_id for text in texts), BATCH):
                rows = connection.execute(
                    select(UNITS).where(
                        UNITS.c.engine == self.engine,
                        UNITS.c.product_id.in_(batch),
                        UNITS.c.language_tag == language_tag,
                    )
                )
                for row in rows:
                    unit = (row.product_id, row.field, None if row.item == NO_ITEM else row.item)
                    key = row.key if bytes(row.key) != now.get(unit) else row.previous_key
                    if unit in now and key is not None:
                        old[unit] = bytes(key)
            entries = self._best(connection, set(old.values()), language_tag)
        return {
            unit: Former(entry.source, entry.translation, entry.status)
            for unit, key in old.items()
            if (entry := entries.get(key)) is not None
        }

    def outdated(self, text: Text, language: Language) -> Former | None:
        """Return what one unit said before its source text became `text`, None when it did not change."""
        return self.former([text], language.tag).get((text.product_id, text.field, text.item))

    def entries(self, language: Language | None = None) -> Iterator[Remembered]:
        """Yield everything remembered, of one language or of all, in bounded memory."""
        last = -1
        entry = [MEMORY.c[name] for name in _ENTRY]
        where = self._mine() if language is None else self._mine(MEMORY.c.language_tag == language.tag)
        while True:
            page = select(*entry, MEMORY.c.id).where(*where, MEMORY.c.id > last).order_by(MEMORY.c.id).limit(1000)
            with self._database.transaction() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            last = rows[-1].id
            yield from (_from_row(row[:-1]) for row in rows)

    def forget(self, ids: Iterable[tuple[bytes, str]]) -> int:
        """Remove every translation of these segments (key, language tag), a person's too; return how many rows."""
        with self._database.transaction() as connection:
            return self._delete(connection, ids)

    def unlock(self, ids: Iterable[tuple[bytes, str]]) -> int:
        """Remove what a person decided for these segments (key, language tag); a machine's translation stays."""
        with self._database.transaction() as connection:
            return self._delete(connection, ids, MEMORY.c.status.in_(LOCKED))

    def stats(self) -> list[MemoryStats]:
        """Return how much is remembered by engine and language, this memory's engine or not."""
        locked = func.sum(case((MEMORY.c.status.in_(LOCKED), 1), else_=0))
        wanted = (
            select(MEMORY.c.engine, MEMORY.c.language_tag, func.count(), locked)
            .group_by(MEMORY.c.engine, MEMORY.c.language_tag)
            .order_by(MEMORY.c.engine, MEMORY.c.language_tag)
        )
        with self._database.transaction() as connection:
            return [
                MemoryStats(engine=engine, language_tag=tag, translations=count, locked=int(by_person))
                for engine, tag, count, by_person in connection.execute(wanted)
            ]

    def clear(
        self,
        engine: str | None = None,
        language: Language | None = None,
        before: float | None = None,
        *,
        include_locked: bool = False,
    ) -> int:
        """Remove translations and return how many; None narrows nothing: every engine, language and age.

        `before` is in seconds since 1970. What a person edited or approved stays unless `include_locked`.
        """
        where: list[ColumnElement[bool]] = []
        if engine is not None:
            where.append(MEMORY.c.engine == engine)
        if language is not None:
            where.append(MEMORY.c.language_tag == language.tag)
        if before is not None:
            where.append(MEMORY.c.remembered_at < before)
        if not include_locked:
            where.append(MEMORY.c.status.not_in(LOCKED))
        with self._database.transaction() as connection:
            return connection.execute(delete(MEMORY).where(*where)).rowcount

    def _mine(self, *more: ColumnElement[bool]) -> list[ColumnElement[bool]]:
        return [MEMORY.c.engine == self.engine, *more]

    def _locked(self, connection: Connection, batch: Sequence[Remembered]) -> set[tuple[bytes, str]]:
        found: set[tuple[bytes, str]] = set()
        for tag, keys in by_language((entry.key, entry.language_tag) for entry in batch):
            rows = self._find_locked.rows(connection, (self.engine, tag, _BY_PERSON), keys)
            found.update((bytes(key), tag) for (key,) in rows)
        return found

    def _delete(self, connection: Connection, ids: Iterable[tuple[bytes, str]], *narrower: ColumnElement[bool]) -> int:
        removed = 0
        for tag, keys in by_language(ids):
            for batch in batches(keys, BATCH):
                where = self._mine(MEMORY.c.language_tag == tag, MEMORY.c.key.in_(batch), *narrower)
                removed += connection.execute(delete(MEMORY).where(*where)).rowcount
        return removed

    def _best(self, connection: Connection, keys: Iterable[bytes], tag: str) -> dict[bytes, Remembered]:
        """Return the best known translation of each key: a person's, else the newest."""
        best: dict[bytes, Remembered] = {}
        for row in self._find.rows(connection, (self.engine, tag), keys):
            entry = _from_row(row)
            known = best.get(entry.key)
            if known is None or (entry.locked, entry.at or 0.0) > (known.locked, known.at or 0.0):
                best[entry.key] = entry
        return best

    def _note(self, connection: Connection, units: Iterable[tuple[str, str, int | None, str, bytes]]) -> None:
        """Note the source key of units, given as product id, field, item, language tag and key."""
        engine = self.engine
        rows = [
            (engine, product_id, field, NO_ITEM if item is None else item, tag, key)
            for product_id, field, item, tag, key in units
        ]
        if rows:
            self._database.write(connection, self._note_unit, rows)

    def _to_row(self, entry: Remembered, now: float) -> tuple[Any, ...]:
        if not entry.locked and not entry.fingerprint:
            raise ValueError("a machine's translation needs the fingerprint of its prompt")
        return (
            self.engine,
            entry.key,
            entry.language_tag,
            _BY_PERSON if entry.locked else entry.fingerprint,
            entry.kind,
            clean_text(entry.source),
            clean_text(entry.translation),
            entry.status.value,
            entry.model,
            entry.run_id,
            findings_to_text(entry.findings),
            entry.product_id,
            entry.field,
            NO_ITEM if entry.item is None else entry.item,
            now if entry.at is None else entry.at,
        )


def _from_row(row: Sequence[Any]) -> Remembered:
    _, key, tag, fingerprint, kind, source, translation, status, model, run_id, findings, *place = row
    product_id, field, item, at = place
    return Remembered(
        key=bytes(key),
        language_tag=tag,
        kind=kind,
        source=source,
        translation=translation,
        status=status_from_text(status),
        fingerprint=fingerprint,
        model=model,
        run_id=run_id,
        findings=findings_from_text(findings),
        product_id=product_id,
        field=field,
        item=None if item == NO_ITEM else item,
        at=at,
    )
