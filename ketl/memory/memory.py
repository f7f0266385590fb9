"""Remembers accepted translations by exact source, language and everything that shaped their prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, select

from ketl.catalog.products import clean_text
from ketl.catalog.units import Segment, Text
from ketl.checks.base import Finding
from ketl.language.languages import Language
from ketl.results.outcome import Status
from ketl.store import Store, batches, by_language
from ketl.store.records import findings_from_text, findings_to_text
from ketl.store.tables import MEMORY, NO_ITEM, UNITS

LOCKED = (Status.EDITED, Status.APPROVED)

# One row a segment can be a person's; it lies under this fingerprint, since it holds for every prompt.
_BY_PERSON = ""

_ENTRY_KEY = ("engine", "key", "language_tag", "fingerprint")
_MUTABLE = tuple(column.name for column in MEMORY.columns if column.name not in ("id", *_ENTRY_KEY))
_UNIT_KEY = ("engine", "product_id", "field", "item", "language_tag")


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
        self._store = store
        self.engine = engine

    def recall(
        self, segments: Sequence[Segment], fingerprints: Mapping[tuple[bytes, str], str]
    ) -> dict[tuple[bytes, str], Remembered]:
        """Return the remembered translation of each segment that has one, by the segment's id.

        A person's translation comes first, whatever the prompt was then; a machine's counts only if it came
        from the same prompt: `fingerprints` gives each segment's, by id.
        """
        found: dict[tuple[bytes, str], Remembered] = {}
        with self._store.transaction() as connection:
            for tag, keys in by_language(segment.id for segment in segments):
                for batch in batches(keys):
                    wanted = self._mine(MEMORY.c.language_tag == tag, MEMORY.c.key.in_(batch))
                    for row in connection.execute(select(MEMORY).where(*wanted)):
                        entry = _from_row(row)
                        ident = (entry.key, tag)
                        if entry.locked or (ident not in found and fingerprints.get(ident) == entry.fingerprint):
                            found[ident] = entry
        return found

    def remember(self, entries: Iterable[Remembered], *, overwrite: bool = False) -> int:
        """Keep translations, 500 a transaction, and return how many were taken.

        Entries without a translation, failed or cancelled, are passed over. A person's translation is never
        replaced, by a machine or by a file, unless `overwrite` says so. Raises ValueError for a machine's
        translation without a fingerprint: it could never be recalled.
        """
        taken = 0
        insert = self._store.insert(MEMORY)
        put = insert.on_conflict_do_update(
            index_elements=_ENTRY_KEY, set_={name: insert.excluded[name] for name in _MUTABLE}
        )
        # Between our look and our writing another process may have locked the same segment.
        keep = insert.on_conflict_do_nothing(index_elements=_ENTRY_KEY)
        now = self._store.clock()
        usable = (e for e in entries if e.translation.strip() and (e.locked or e.status is Status.TRANSLATED))
        # The entries may themselves be read from the database: they are drawn between transactions, not within.
        for batch in batches(usable):
            with self._store.transaction() as connection:
                taboo = self._locked(connection, batch)
                if overwrite:
                    self._delete(connection, taboo, MEMORY.c.status.in_(LOCKED))
                else:
                    batch = [entry for entry in batch if (entry.key, entry.language_tag) not in taboo]
                for by_person in (False, True):
                    rows = [self._to_row(entry, now) for entry in batch if entry.locked is by_person]
                    if rows:
                        connection.execute(keep if by_person and not overwrite else put, rows)
                self._note(connection, batch)
            taken += len(batch)
        return taken

    def note_units(self, texts: Iterable[Text], language_tag: str) -> None:
        """Note which source text each unit has now, so that `former` can tell when it changes."""
        for batch in batches(texts):
            rows = [
                self._unit_row(text.product_id, text.field, text.item, language_tag) | {"key": text.key}
                for text in batch
            ]
            with self._store.transaction() as connection:
                self._note_rows(connection, rows)

    def former(self, texts: Sequence[Text], language_tag: str) -> dict[tuple[str, str, int | None], Former]:
        """Return what units said before their text changed, by product id, field and item.

        A unit whose text is new or has not changed since it was first noted is not in the answer, nor one
        whose old translation is no longer remembered. It works before the changed text is translated (the
        row is outdated) and after (to compare old and new).
        """
        old: dict[tuple[str, str, int | None], bytes] = {}
        now = {(text.product_id, text.field, text.item): text.key for text in texts}
        with self._store.transaction() as connection:
            for batch in batches(dict.fromkeys(text.product_id for text in texts)):
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
        where = self._mine() if language is None else self._mine(MEMORY.c.language_tag == language.tag)
        while True:
            page = select(MEMORY).where(*where, MEMORY.c.id > last).order_by(MEMORY.c.id).limit(1000)
            with self._store.transaction() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            last = rows[-1].id
            yield from map(_from_row, rows)

    def forget(self, ids: Iterable[tuple[bytes, str]]) -> int:
        """Remove every translation of these segments (key, language tag), a person's too; return how many rows."""
        with self._store.transaction() as connection:
            return self._delete(connection, ids)

    def unlock(self, ids: Iterable[tuple[bytes, str]]) -> int:
        """Remove what a person decided for these segments (key, language tag); a machine's translation stays."""
        with self._store.transaction() as connection:
            return self._delete(connection, ids, MEMORY.c.status.in_(LOCKED))

    def stats(self) -> list[MemoryStats]:
        """Return how much is remembered by engine and language, this memory's engine or not."""
        locked = func.sum(case((MEMORY.c.status.in_(LOCKED), 1), else_=0))
        wanted = (
            select(MEMORY.c.engine, MEMORY.c.language_tag, func.count(), locked)
            .group_by(MEMORY.c.engine, MEMORY.c.language_tag)
            .order_by(MEMORY.c.engine, MEMORY.c.language_tag)
        )
        with self._store.transaction() as connection:
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
        with self._store.transaction() as connection:
            return connection.execute(delete(MEMORY).where(*where)).rowcount

    def _mine(self, *more: ColumnElement[bool]) -> list[ColumnElement[bool]]:
        return [MEMORY.c.engine == self.engine, *more]

    def _locked(self, connection: Connection, batch: Sequence[Remembered]) -> set[tuple[bytes, str]]:
        found: set[tuple[bytes, str]] = set()
        for tag, keys in by_language((entry.key, entry.language_tag) for entry in batch):
            where = self._mine(MEMORY.c.language_tag == tag, MEMORY.c.key.in_(keys), MEMORY.c.fingerprint == _BY_PERSON)
            found.update((bytes(key), tag) for key in connection.execute(select(MEMORY.c.key).where(*where)).scalars())
        return found

    def _delete(self, connection: Connection, ids: Iterable[tuple[bytes, str]], *narrower: ColumnElement[bool]) -> int:
        removed = 0
        for tag, keys in by_language(ids):
            for batch in batches(keys):
                where = self._mine(MEMORY.c.language_tag == tag, MEMORY.c.key.in_(batch), *narrower)
                removed += connection.execute(delete(MEMORY).where(*where)).rowcount
        return removed

    def _best(self, connection: Connection, keys: Iterable[bytes], tag: str) -> dict[bytes, Remembered]:
        """Return the best known translation of each key: a person's, else the newest."""
        best: dict[bytes, Remembered] = {}
        for batch in batches(keys):
            where = self._mine(MEMORY.c.language_tag == tag, MEMORY.c.key.in_(batch))
            for row in connection.execute(select(MEMORY).where(*where).order_by(MEMORY.c.remembered_at)):
                entry = _from_row(row)
                if entry.locked or entry.key not in best or not best[entry.key].locked:
                    best[entry.key] = entry
        return best

    def _note(self, connection: Connection, entries: Iterable[Remembered]) -> None:
        self._note_rows(
            connection,
            [
                self._unit_row(entry.product_id, entry.field, entry.item, entry.language_tag) | {"key": entry.key}
                for entry in entries
                if entry.field
            ],
        )

    def _note_rows(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        insert = self._store.insert(UNITS)
        fresh = insert.excluded["key"]
        before = case((UNITS.c.key != fresh, UNITS.c.key), else_=UNITS.c.previous_key)
        connection.execute(
            insert.on_conflict_do_update(index_elements=_UNIT_KEY, set_={"key": fresh, "previous_key": before}), rows
        )

    def _unit_row(self, product_id: str, field: str, item: int | None, language_tag: str) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "product_id": product_id,
            "field": field,
            "item": NO_ITEM if item is None else item,
            "language_tag": language_tag,
        }

    def _to_row(self, entry: Remembered, now: float) -> dict[str, Any]:
        if not entry.locked and not entry.fingerprint:
            raise ValueError("a machine's translation needs the fingerprint of its prompt")
        return self._unit_row(entry.product_id, entry.field, entry.item, entry.language_tag) | {
            "key": entry.key,
            "fingerprint": _BY_PERSON if entry.locked else entry.fingerprint,
            "kind": entry.kind,
            "source": clean_text(entry.source),
            "translation": clean_text(entry.translation),
            "status": entry.status.value,
            "model": entry.model,
            "run_id": entry.run_id,
            "findings": findings_to_text(entry.findings),
            "remembered_at": now if entry.at is None else entry.at,
        }


def _from_row(row: Any) -> Remembered:
    return Remembered(
        key=bytes(row.key),
        language_tag=row.language_tag,
        kind=row.kind,
        source=row.source,
        translation=row.translation,
        status=Status(row.status),
        fingerprint=row.fingerprint,
        model=row.model,
        run_id=row.run_id,
        findings=findings_from_text(row.findings),
        product_id=row.product_id,
        field=row.field,
        item=None if row.item == NO_ITEM else row.item,
        at=row.remembered_at,
    )
