"""Writes tables as CSV that spreadsheets open safely, and reads our own long CSV back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ketl.checks.base import REGISTRY, Finding, Severity
from ketl.errors import CatalogError
from ketl.formats.layouts import LONG_COLUMNS, Cell, Table
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow

# What a spreadsheet runs as a formula (OWASP, CSV injection), behind any apostrophes that are already there.
_FORMULA = re.compile("'*[=+\\-@＝＋－＠\t\r]")
_SUSPECTS = frozenset("'=+-@＝＋－＠\t\r")  # how a text begins that one of the two could match
_GUARDED = re.compile("'+[=+\\-@＝＋－＠\t\r]")

_FINDING_ID = re.compile(r"[a-z0-9_-]+")
_LARGEST_CELL = 2**31 - 1


def neutralise(text: str) -> str:
    """Return `text` with an apostrophe in front if a spreadsheet would run it, or if it looks neutralised."""
    return "'" + text if _FORMULA.match(text) else text


def restore(text: str) -> str:
    """Return what `neutralise` was given: takes exactly one apostrophe off, and only where one was put."""
    return text[1:] if _GUARDED.match(text) else text


def write(table: Table, handle: BinaryIO) -> None:
    """Write `table` as RFC 4180 CSV in UTF-8 with a byte order mark, which Excel needs to see the encoding."""
    # A lone surrogate has no UTF-8 form; a question mark in its place is better than losing the file.
    text = io.TextIOWrapper(handle, encoding="utf-8", errors="replace", newline="", write_through=False)
    try:
        # By hand: the codec that would write it takes nearly twice as long as plain UTF-8.
        text.write("\ufeff")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([neutralise(name) for name in table.header])
        # Spelled out for texts, which nearly all cells are: a file of a large run has millions of them.
        writer.writerows(
            [
                (neutralise(cell) if cell[:1] in _SUSPECTS else cell) if type(cell) is str else _cell(cell)
                for cell in row
            ]
            for row in table.rows
        )
        text.flush()
    finally:
        text.detach()


def _cell(value: Cell) -> str:
    if isinstance(value, str):
        return neutralise(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, tuple):
        return neutralise(";".join(value))
    return str(value)


def read_long_csv(source: str | Path | bytes) -> list[ResultRow]:
    """Return the rows of a long CSV that we wrote, given its path or its bytes.

    Takes exactly one apostrophe off each neutralised cell. Findings come back as their ids with the severity
    that the check has today and no message. Files that Excel saved again with semicolons are read too. Raises
    CatalogError, naming the line and column, when the file is not one of ours.
    """
    name = "The file" if isinstance(source, bytes) else Path(source).name
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise CatalogError(f"{name} cannot be read ({error.strerror}). Check the path.") from error
    except UnicodeDecodeError as error:
        raise CatalogError(f"{name} is not UTF-8 text. Save it as “CSV UTF-8” and try again.") from error
    return list(_rows(text, name))


def _rows(text: str, name: str) -> Iterator[ResultRow]:
    # Python's reader refuses cells above 128 KiB by default; product descriptions in HTML can be longer.
    csv.field_size_limit(_LARGEST_CELL)
    first_line = text.partition("\n")[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        missing = [column for column in LONG_COLUMNS if column not in header]
        if missing:
            raise CatalogError(
                f"{name} is not a translation file of this program: it has no column “{missing[0]}”. "
                "Give a file downloaded in the long layout."
            )
        positions = [header.index(column) for column in LONG_COLUMNS]
        for cells in reader:
            if not cells:
                continue
            if len(cells) < len(header):
                raise CatalogError(f"{name}, line {reader.line_num}, has too few columns. Download the file again.")
            where = f"{name}, line {reader.line_num}"
            yield _row(dict(zip(LONG_COLUMNS, (restore(cells[p]) for p in positions), strict=True)), where)
    except csv.Error as error:
        raise CatalogError(
            f"{name}, line {reader.line_num}, is not valid CSV. Save it as “CSV UTF-8” and try again."
        ) from error


def _row(cells: dict[str, str], where: str) -> ResultRow:
    try:
        status = Status(cells["status"])
    except ValueError as error:
        raise CatalogError(
            f"{where}: the status “{cells['status']}” is not known. Use one of: {', '.join(Status)}."
        ) from error
    try:
        item = int(cells["item"]) if cells["item"] else None
        seconds = float(cells["seconds"]) if cells["seconds"] else None
    except ValueError as error:
        raise CatalogError(f"{where}: the columns “item” and “seconds” must hold numbers or nothing.") from error
    findings, reason = _findings(cells["findings"], status)
    return ResultRow(
        product_id=cells["product_id"],
        product_name=cells["product_name"],
        field=cells["field"],
        item=item,
        language=cells["language"],
        language_tag=cells["language_tag"],
        source=cells["source"],
        translation=cells["translation"],
        status=status,
        model=cells["model"],
        findings=findings,
        seconds=seconds,
        from_memory=cells["from_memory"].casefold() == "true",
        reason=reason,
    )


def _findings(cell: str, status: Status) -> tuple[tuple[Finding, ...], str]:
    """Return the findings of a cell and, for a unit without a translation, the reason behind their ids."""
    parts = [part for part in cell.split(";") if part]
    reason = ""
    if parts and status in (Status.FAILED, Status.CANCELLED) and not _FINDING_ID.fullmatch(parts[-1]):
        reason = parts.pop()
    known = (REGISTRY.get(part) for part in parts)
    return (
        tuple(
            Finding(part, check.severity if check else Severity.WARNING, "")
            for part, check in zip(parts, known, strict=True)
        ),
        reason,
    )
