"""Keeps the texts of a selection after they were cut, so that whatever needs them later reads them and cuts nothing."""

from __future__ import annotations

import marshal
import mmap
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ketl.catalog.units import ProductTexts, Segment, Text
from ketl.errors import SettingsError
from ketl.language.languages import Language

# About 60,000 products of five texts: more than that lies in a temporary file.
MOST_HELD_BYTES = 48 * 1024 * 1024
_PRODUCTS_A_PIECE = 64


class Cuttings:
    """The cut texts of a selection's products, in their order, to be read as often as needed, by any thread.

    They are kept packed: at hand up to `most_held_bytes`, above that in a temporary file which goes with the
    object. `keep` is called once and takes them in as they are cut.
    """

    def __init__(self, most_held_bytes: int = MOST_HELD_BYTES) -> None:
        self._most = most_held_bytes
        self._pieces: list[bytes] = []
        self._places: list[tuple[int, int]] = []
        self._file: BinaryIO | None = None
        self._map: mmap.mmap | None = None
        self._size = 0

    def keep(self, products: Iterable[ProductTexts]) -> Iterator[ProductTexts]:
        """Yield `products` as they come, each kept before it is yielded. Raises SettingsError when the disk is full."""
        waiting: list[ProductTexts] = []
        for product in products:
            waiting.append(product)
            if len(waiting) >= _PRODUCTS_A_PIECE:
                self._add(waiting)
                waiting = []
            yield product
        if waiting:
            self._add(waiting)

    def __iter__(self) -> Iterator[ProductTexts]:
        for number in range(len(self._places) or len(self._pieces)):
            for ident, name, texts, fresh in marshal.loads(self._piece(number)):
                yield ProductTexts(ident, name, tuple(map(Text._make, texts)), fresh)

    def segments(self, languages: Iterable[Language]) -> Iterator[tuple[Segment, Text]]:
        """Yield every segment once, with the first text that has it."""
        languages = tuple(languages)
        for product in self:
            if True in product.fresh:
                texts = [text for text, first in zip(product.texts, product.fresh, strict=True) if first]
                for language in languages:
                    for text in texts:
                        yield Segment(text.key, text.kind, text.source, language), text

    def _add(self, products: list[ProductTexts]) -> None:
        # Plain tuples: marshal, Python's fastest format, knows no named ones.
        piece = marshal.dumps([(p[0], p[1], tuple(map(tuple, p[2])), p[3]) for p in products])
        self._size += len(piece)
        if self._file is None and self._size <= self._most:
            self._pieces.append(piece)
            return
        if self._file is None:
            self._file = _temporary_file()
            weakref.finalize(self, _close, self._file)
            for held in self._pieces:
                self._write(held)
            self._pieces = []
        self._write(piece)

    def _write(self, piece: bytes) -> None:
        assert self._file is not None
        with _told():
            self._places.append((self._file.tell(), len(piece)))
            self._file.write(piece)

    def _piece(self, number: int) -> bytes:
        if self._file is None:
            return self._pieces[number]
        if self._map is None:
            # Mapped, so that several readers need not share one place in the file.
            with _told():
                self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        place, length = self._places[number]
        return self._map[place : place + length]


def _temporary_file() -> BinaryIO:
    with _told():
        return tempfile.TemporaryFile()


def _close(file: BinaryIO) -> None:
    # A disk that is full is told when something is written; here nobody could do anything about it.
    with suppress(OSError):
        file.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"The texts of this catalogue could not be laid aside ({error.strerror}). "
            "Free some space on the disk of the temporary files and try again."
        ) from error
