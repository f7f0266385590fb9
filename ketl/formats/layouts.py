"""Lays rows out as tables: long (a row per translation) and wide (a column per language)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import IO

from ketl.results.outcome import Status
from ketl.results.rows import ResultRow

Cell = str | int | float | bool | None | tuple[str, ...]

LONG_COLUMNS = (
    "product_id",
    "product_name",
    "field",
    "item",
    "language",
    "language_tag",
    "source",
    "translation",
    "status",
    "model",
    "findings",
    "seconds",
    "from_memory",
)
WIDE_COLUMNS = ("product_id", "product_name", "field", "item", "source")

_WITHOUT_TEXT = (Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows under it, which can be read once.

    A cell is a text, a number, a truth value, None for unknown, or a tuple of texts.
    """

    header: tuple[str, ...]
    rows: Iterator[tuple[Cell, ...]]


def reason_of(row: ResultRow) -> str:
    """Return why a failed or cancelled unit has no translation, as a sentence; empty for all others."""
    return row.reason.strip() if row.status in _WITHOUT_TEXT else ""


def long_table(rows: Iterable[ResultRow], *, reason_column: bool = True) -> Table:
    """Return one table row per unit, in the order given.

    With `reason_column` a failed unit says why in a last column "reason"; without it (the CSV, whose
    columns other programs rely on) the sentence stands behind the check ids under "findings".
    """
    header = (*LONG_COLUMNS, "reason") if reason_column else LONG_COLUMNS
    return Table(header, (_long_row(row, reason_column) for row in rows))


def _long_row(row: ResultRow, reason_column: bool) -> tuple[Cell, ...]:
    findings = tuple([finding.id for finding in row.findings]) if row.findings else ()
    reason = reason_of(row) if row.reason else ""
    if reason and not reason_column:
        findings = (*findings, reason.replace(";", ","))
    cells: tuple[Cell, ...] = (
        row.product_id,
        row.product_name,
        row.field,
        row.item,
        row.language,
        row.language_tag,
        row.source,
        row.translation,
        str(row.status),
        row.model,
        findings,
        None if row.seconds is None else round(row.seconds, 3),
        row.from_memory,
    )
    return (*cells, reason) if reason_column else cells


def wide_table(rows: Iterable[ResultRow]) -> Table:
    """Return one table row per text, with a column per language and one for its status behind it.

    The rows of one product must come one after another. Which languages there are is only known at the end,
    so the texts wait in a temporary file: memory stays bounded. A failed unit's status carries its reason.
    """
    spool = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - the returned rows close it
    languages = _spool(rows, spool)
    header = [*WIDE_COLUMNS]
    for name in languages:
        header += [name, f"{name} status"]
    return Table(tuple(header), _replay(spool, languages))


def _spool(rows: Iterable[ResultRow], spool: IO[str]) -> list[str]:
    """Write one line per text and return the languages in the order in which they first came."""
    languages: dict[str, None] = {}
    for _, group in groupby(rows, key=lambda row: row.product_id):
        # A run's rows go language by language within a product, so a product's texts are gathered first.
        units: dict[tuple[str, int | None], tuple[list[Cell], dict[str, tuple[str, str]]]] = {}
        for row in group:
            languages[row.language] = None
            head: list[Cell] = [row.product_id, row.product_name, row.field, row.item, row.source]
            _, texts = units.setdefault((row.field, row.item), (head, {}))
            reason = reason_of(row)
            texts[row.language] = (row.translation, f"{row.status.value}: {reason}" if reason else row.status.value)
        for unit in units.values():
            spool.write(json.dumps(unit) + "\n")
    return list(languages)


def _replay(spool: IO[str], languages: list[str]) -> Iterator[tuple[Cell, ...]]:
    with spool:
        spool.seek(0)
        for line in spool:
            head, texts = json.loads(line)
            cells: list[Cell] = list(head)
            for name in languages:
                cells += texts.get(name, ("", ""))
            yield tuple(cells)
