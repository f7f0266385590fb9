"""JSON and JSON lines: reads the rows of a catalogue, says in a sentence why a file is none, and writes tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO

from ketl.errors import CatalogError
from ketl.formats.json_rows import Source, line_rows, list_rows
from ketl.formats.layouts import Table

_HEAD_BYTES = 4096


def file_rows(file: Source) -> Iterator[object]:
    """Yield the rows of a .json or .jsonl file as they are. Raises CatalogError where the file breaks."""
    return list_rows(file) if _ending(file) == ".json" else line_rows(file)


def check_path(file: Path) -> None:
    """Raise CatalogError when there is no file at a path."""
    if file.is_dir():
        raise CatalogError(f"{file} is a folder. Name the catalogue file in it.")
    if not file.exists():
        raise CatalogError(f"The catalogue {file} does not exist. Check the path.")


def check_file(file: Source) -> None:
    """Raise CatalogError when a file cannot be a catalogue by its look: empty, binary, another kind, not readable."""
    if _ending(file) not in (".json", ".jsonl"):
        raise CatalogError(f"{file.name}: this file ending is not read. Give a .json or .jsonl catalogue.")
    try:
        with file.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError as error:
        raise CatalogError(f"{file} cannot be read ({error.strerror}). Check its permissions.") from error
    if not head.strip() and len(head) < _HEAD_BYTES:
        raise CatalogError(f"{file.name} is empty. It must be a list of products.")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in head:
        raise CatalogError(f"{file.name} is not UTF-8 text. Save it as JSON in UTF-8 and try again.")


def _ending(file: Source) -> str:
    return PurePath(file.name).suffix.casefold()


def write(table: Table, handle: BinaryIO) -> None:
    """Write `table` as one JSON list of objects whose keys are the column names; unknown cells are null."""
    separator = b"[\n"
    for line in _objects(table):
        handle.write(separator + line)
        separator = b",\n"
    handle.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def write_lines(table: Table, handle: BinaryIO) -> None:
    """Write `table` as one JSON object a line."""
    handle.writelines(line + b"\n" for line in _objects(table))


def _objects(table: Table) -> Iterator[bytes]:
    for row in table.rows:
        cells = dict(zip(table.header, row, strict=True))
        # A lone surrogate has no UTF-8 form; a question mark in its place is better than losing the file.
        yield json.dumps(cells, ensure_ascii=False).encode("utf-8", "replace")
