"""JSON and JSON lines: reads the rows of a catalogue, says in a sentence why a file is none, and writes tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import ijson

from ketl.errors import CatalogError
from ketl.formats.layouts import Table

# The streaming parser's memory grows with the square of the depth: 100 kB of brackets would take all there is.
_MOST_NESTED = 500
_PIECE_BYTES = 8192


def file_rows(file: Path) -> Iterator[object]:
    """Yield the rows of a .json or .jsonl file as they are. Raises CatalogError where the file breaks."""
    return _json_rows(file) if file.suffix.casefold() == ".json" else _json_line_rows(file)


def check_file(file: Path) -> None:
    """Raise CatalogError when a file cannot be a catalogue by its look: missing, empty, binary, another kind."""
    if file.is_dir():
        raise CatalogError(f"{file} is a folder. Name the catalogue file in it.")
    if not file.exists():
        raise CatalogError(f"The catalogue {file} does not exist. Check the path.")
    if file.suffix.casefold() not in (".json", ".jsonl"):
        raise CatalogError(f"{file.name}: this file ending is not read. Give a .json or .jsonl catalogue.")
    try:
        with file.open("rb") as handle:
            head = handle.read(4096)
    except OSError as error:
        raise CatalogError(f"{file} cannot be read ({error.strerror}). Check its permissions.") from error
    if not head.strip() and len(head) == file.stat().st_size:
        raise CatalogError(f"{file.name} is empty. It must be a list of products.")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in head:
        raise CatalogError(f"{file.name} is not UTF-8 text. Save it as JSON in UTF-8 and try again.")


def _json_rows(file: Path) -> Iterator[object]:
    with file.open("rb") as handle:
        if handle.read(3) != b"\xef\xbb\xbf":
            handle.seek(0)
        begin = handle.tell()
        first = b" "
        while first.isspace():
            first = handle.read(1)
        handle.seek(begin)
        if not first:
            raise CatalogError(f"{file.name} is empty. It must be a list of products.")
        if first not in b"[{":
            raise CatalogError(_broken(file, "it does not begin with a list of products"))
        prefix = "item" if first == b"[" else "products.item"
        count = 0
        try:
            for row in ijson.items(_Shallow(handle, file), prefix, buf_size=_PIECE_BYTES, use_float=True):
                count += 1
                yield row
        except ijson.JSONError as error:
            why = f"row {count + 1} has a number that is too large; write it as a text, in quotes"
            raise CatalogError(
                _broken(file, why if "overflow" in str(error) else _where_broken(file, str(error)))
            ) from error
        except UnicodeDecodeError as error:
            raise CatalogError(f"{file.name} is not UTF-8 text. Save it as JSON in UTF-8 and try again.") from error
        if not count and first == b"{":
            raise CatalogError(
                f"{file.name} holds no products. Expected a list of products, "
                "or an object with that list under “products”."
            )


class _Shallow:
    """Reads a file for the parser and refuses one whose brackets are nested beyond all sense."""

    def __init__(self, handle: BinaryIO, file: Path) -> None:
        self._handle = handle
        self._file = file
        self._open = 0
        self._suspects = True

    def read(self, size: int) -> bytes:
        """Return the next bytes. Raises CatalogError when the file is nested too deeply."""
        piece = self._handle.read(size)
        self._open += sum(piece.count(b) for b in (b"[", b"{")) - sum(piece.count(b) for b in (b"]", b"}"))
        # Brackets inside texts count here too, so a suspicion is looked into before it is believed.
        if self._suspects and self._open > _MOST_NESTED:
            self._suspects = False
            if _is_deep(self._file):
                raise CatalogError(_broken(self._file, "its lists and objects are nested too deeply"))
        return piece


def _is_deep(file: Path) -> bool:
    depth = 0  # a file that breaks before it is deep is left to the parser, which says where
    with suppress(ijson.JSONError, ValueError), file.open("rb") as handle:
        for event, _ in ijson.basic_parse(handle, use_float=True):
            depth += event in ("start_array", "start_map")
            depth -= event in ("end_array", "end_map")
            if depth > _MOST_NESTED:
                return True
    return False


def _json_line_rows(file: Path) -> Iterator[object]:
    with file.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            line = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not line:
                continue
            try:
                yield _STRICT.decode(line.decode("utf-8", "surrogatepass"))
            except UnicodeDecodeError as error:
                raise CatalogError(f"{file.name}, line {number}, is not UTF-8 text. Save the file as UTF-8.") from error
            except (ValueError, RecursionError) as error:
                raise CatalogError(_broken(file, f"line {number} is no JSON object")) from error


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


# One for all lines: `json.loads` would make one a line.
_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)


def _where_broken(file: Path, fallback: str) -> str:
    """Return where the JSON breaks in words; the streaming parser does not count lines."""
    try:
        json.loads(file.read_bytes().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        return f"{error.msg.casefold().removesuffix(' at')} at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    except (ValueError, RecursionError):
        return fallback.splitlines()[0]
    return fallback.splitlines()[0]


def _broken(file: Path, why: str) -> str:
    return f"{file.name} is not a readable catalogue: {why}. Export it again as JSON."


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
