"""Opens a file as a catalogue: small ones are held, large ones read anew for each pass."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ketl._shipped import shipped
from ketl.catalog.catalog import Catalog, without_duplicates
from ketl.catalog.products import FIELDS, Product, parse_product
from ketl.errors import CatalogError
from ketl.formats.json_file import check_file, check_path, file_rows
from ketl.formats.json_rows import Source

DEFAULT_CATALOG = shipped("data", "ketlmtn_products.json")


# Above this size a catalogue is read anew for each pass instead of being held in memory.
STREAM_ABOVE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody gave: its name and all that is in it."""

    name: str
    content: bytes

    def open(self, mode: Literal["rb"]) -> io.BytesIO:
        """Return its bytes from the beginning."""
        return io.BytesIO(self.content)


def open_catalog(path: str | Path | None = None) -> Catalog:
    """Return the catalogue in a .json or .jsonl file (the shipped one by default).

    Raises CatalogError when the file is missing, unreadable or not a catalogue; rows of a large file
    are checked while they are iterated.
    """
    file = Path(path) if path is not None else DEFAULT_CATALOG
    check_path(file)
    return _open(file, str(file), hold=file.stat().st_size <= STREAM_ABOVE_BYTES)


def open_upload(name: str, content: bytes) -> Catalog:
    """Return the catalogue in a file that was given, every row of it checked. Raises CatalogError when it is none."""
    return _open(Upload(name, content), name, hold=True)


def _open(file: Source, source: str, *, hold: bool) -> Catalog:
    check_file(file)

    def read() -> Iterator[Product]:
        def products() -> Iterator[Product]:
            for number, row in enumerate(file_rows(file), start=1):
                yield parse_product(row, f"Row {number} of {file.name}")

        return without_duplicates(products(), file.name)

    with file.open("rb") as handle:
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    if not hold:
        return Catalog(read, source, sha256=sha256)
    held = list(read())
    if not held:
        raise CatalogError(f"{file.name} holds no products. It must be a list with at least one product.")
    if not any(p.texts for p in held):
        raise CatalogError(
            f"{file.name} has products but none of the texts to translate. "
            f"Expected fields such as {', '.join(f.keys[0] for f in FIELDS)}."
        )
    return Catalog(lambda: iter(held), source, held=True, sha256=sha256)


def load_products(path: str | Path | None = None) -> list[Product]:
    """Return all products of a catalogue file, the shipped KETL Mtn. catalogue by default.

    Reads .json (a list, or an object with the list under `products`) and .jsonl, rows flat or nested under
    `extracted_data`. Raises CatalogError with a sentence that names the row or field that is wrong.
    """
    return list(open_catalog(path))
