"""Writes tables as JSON: one list of objects, or one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

from ketl.formats.layouts import Table


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
