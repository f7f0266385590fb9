"""The rows of a .json or .jsonl file one by one, in time and memory that follow the size of the file and of a row."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any, Literal, Protocol

from ketl.errors import CatalogError

# A product is a few pages; whatever is larger would hold this process while it is parsed in one go.
MOST_A_ROW = 32 * 1024 * 1024
_PIECE_BYTES = 256 * 1024
# Beyond this a number is no measure, and some ways of reading it take the square of its length.
_MOST_DIGITS = 400
# The longest thing that is not a text and may be cut in two by the end of a piece: `-Infinity`, or an escape.
_LONGEST_WORD = 16
_BLANK = re.compile(r"[ \t\n\r]*")


class Source(Protocol):
    """What a catalogue is read from: a `Path`, or a file at hand."""

    @property
    def name(self) -> str:
        """What messages call it, with its ending."""

    def open(self, mode: Literal["rb"]) -> BufferedIOBase:
        """Return its bytes from the beginning."""


class _NumberError(ValueError):
    """A number that no program could use."""


def _number(digits: str) -> float:
    value = float(digits) if len(digits) <= _MOST_DIGITS else math.inf
    if math.isinf(value):
        raise _NumberError
    return value


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _NumberError
    return int(digits)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


# One for all rows: `json.loads` would make one a row. It takes an escaped half of a pair, which costs its own text
# alone: a catalogue's texts are cleaned of what no file can carry.
_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_number, parse_int=_whole)


def line_rows(file: Source) -> Iterator[object]:
    """Yield the rows of a file with one JSON object a line. Raises CatalogError where the file breaks."""
    with file.open("rb") as handle:
        number = 0
        while line := handle.readline(MOST_A_ROW + 1):
            number += 1
            if len(line) > MOST_A_ROW:
                raise CatalogError(_too_long(file, number))
            line = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not line:
                continue
            try:
                yield _STRICT.decode(line.decode("utf-8", "surrogatepass"))
            except UnicodeDecodeError as error:
                raise CatalogError(f"{file.name}, line {number}, is not UTF-8 text. Save the file as UTF-8.") from error
            except _NumberError as error:
                raise CatalogError(_broken(file, _too_large(number))) from error
            except (ValueError, RecursionError) as error:
                raise CatalogError(_broken(file, f"line {number} is no JSON object")) from error


def list_rows(file: Source) -> Iterator[object]:
    """Yield the rows of a file that is one JSON list, or an object with that list under `products`.

    Raises CatalogError where the file breaks.
    """
    count = 0
    with file.open("rb") as handle:
        try:
            text = _Text(handle)
            first = text.peek()
            if not first:
                raise CatalogError(f"{file.name} is empty. It must be a list of products.")
            if first not in "[{":
                raise CatalogError(_broken(file, "it does not begin with a list of products"))
            for row in text.items() if first == "[" else _under_products(text):
                count += 1
                yield row
            if text.peek():
                raise text.stop("extra data")
        except UnicodeDecodeError as error:
            raise CatalogError(f"{file.name} is not UTF-8 text. Save it as JSON in UTF-8 and try again.") from error
        except _NumberError as error:
            raise CatalogError(_broken(file, _too_large(count + 1))) from error
        except RecursionError as error:
            raise CatalogError(_broken(file, "its lists and objects are nested too deeply")) from error
        except _TooLongError as error:
            raise CatalogError(_too_long(file, count + 1)) from error
        except ValueError as error:
            raise CatalogError(_broken(file, str(error))) from error
        if not count and first == "{":
            raise CatalogError(
                f"{file.name} holds no products. Expected a list of products, "
                "or an object with that list under “products”."
            )


def _under_products(text: _Text) -> Iterator[object]:
    for key in text.names():
        if key == "products" and text.peek() == "[":
            yield from text.items()
        else:
            text.value()


class _TooLongError(Exception):
    """One value is longer than `MOST_A_ROW`."""


class _Text:
    """A file's text in pieces. A value that does not end in what was read is tried again with twice as much.

    Every value is thereby parsed by the standard library's parser in one go, and no character more than a few
    times, however long the value is. Raises ValueError with the place where the JSON breaks.
    """

    def __init__(self, handle: BufferedIOBase) -> None:
        self._handle = handle
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogatepass").decode
        self._held = ""
        self._at = 0
        self._ended = False
        # Where the held text begins, for messages: the line, and the characters of that line before it.
        self._line, self._column = 1, 0
        self._more(_PIECE_BYTES)
        self._held = self._held.removeprefix("\ufeff")

    def peek(self) -> str:
        """Return the next character that is not blank, and stand before it; empty at the end of the file."""
        while True:
            found = _BLANK.match(self._held, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._held):
                return self._held[self._at]
            if self._ended:
                return ""
            self._more(_PIECE_BYTES)

    def take(self, expected: str) -> None:
        """Step over a character. Raises ValueError when another one stands there."""
        if self.peek() != expected:
            raise self.stop(f"expected “{expected}”")
        self._at += 1

    def items(self) -> Iterator[object]:
        """Yield the values of the list that begins here."""
        self.take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self.peek() == "]":
                self._at += 1
                return
            self.take(",")

    def names(self) -> Iterator[object]:
        """Yield the names of the object that begins here; the value of each must be taken before the next."""
        self.take("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self.stop("expected a name in quotes")
            key = self.value()
            self.take(":")
            yield key
            if self.peek() == "}":
                self._at += 1
                return
            self.take(",")

    def value(self) -> Any:
        """Return the value that begins here."""
        self.peek()
        wanted = _PIECE_BYTES
        while True:
            try:
                value, end = _STRICT.raw_decode(self._held, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._held) - _LONGEST_WORD
                if self._ended or not cut:
                    raise self.stop(error.msg.casefold().removesuffix(" at"), error.pos) from error
            else:
                # A number at the very end may go on in the next piece.
                if end < len(self._held) or self._ended:
                    self._at = end
                    return value
            if len(self._held) - self._at > MOST_A_ROW:
                raise _TooLongError
            self._more(wanted)
            wanted = 2 * (len(self._held) - self._at)

    def stop(self, what: str, at: int | None = None) -> ValueError:
        """Return the error that names what is wrong and the place, by default the one here."""
        at = self._at if at is None else at
        line = self._line + self._held.count("\n", 0, at)
        begin = self._held.rfind("\n", 0, at)
        column = at - begin if begin >= 0 else self._column + at + 1
        return ValueError(f"{what} at line {line}, column {column}")

    def _more(self, size: int) -> None:
        piece = self._handle.read(size)
        self._ended = not piece
        gone = self._held[: self._at]
        lines = gone.count("\n")
        self._line += lines
        self._column = len(gone) - gone.rfind("\n") - 1 if lines else self._column + len(gone)
        self._held = self._held[self._at :] + self._decode(piece, final=self._ended)
        self._at = 0


def _too_large(row: int) -> str:
    return f"row {row} has a number that is too large; write it as a text, in quotes"


def _too_long(file: Source, row: int) -> str:
    return (
        f"{file.name}: row {row} is longer than {MOST_A_ROW // (1024 * 1024)} MB. "
        "A row is one product; split it, or take out what is no text of a product."
    )


def _broken(file: Source, why: str) -> str:
    return f"{file.name} is not a readable catalogue: {why}. Export it again as JSON."
