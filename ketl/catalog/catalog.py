"""Reads product rows and says which fields are prose to translate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ketl.catalog.json_rows import check_file, file_rows
from ketl.errors import CatalogError, SelectionError, did_you_mean

DEFAULT_CATALOG = Path(__file__).resolve().parents[2] / "data" / "ketlmtn_products.json"

# Above this size a catalogue is read anew for each pass instead of being held in memory.
STREAM_ABOVE_BYTES = 16 * 1024 * 1024

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One translatable field: its name, what kind of text it holds, and the keys it may have in a file.

    `kind` shapes the instructions to the model: title, list (comma-separated features), spec (materials
    and measures), prose, option (one short value among siblings, such as a colour).
    """

    name: str
    label: str
    kind: str
    keys: tuple[str, ...]


FIELDS: tuple[Field, ...] = (
    Field(name="name", label="Name", kind="title", keys=("product_name", "name", "title")),
    Field(name="features", label="Features", kind="list", keys=("product_features", "features")),
    Field(name="fabric", label="Fabric", kind="spec", keys=("fabric_details", "fabric")),
    Field(name="details", label="Details", kind="prose", keys=("other_details", "details", "description")),
    Field(name="colors", label="Colors", kind="option", keys=("available_colors", "colors")),
)
FIELD_NAMES: tuple[str, ...] = tuple(f.name for f in FIELDS)
KIND_OF: Mapping[str, str] = {f.name: f.kind for f in FIELDS}
_KEY_TO_FIELD: Mapping[str, str] = {key: f.name for f in FIELDS for key in f.keys}
_ID_KEYS = ("product_id", "id", "sku")


@dataclass(frozen=True, slots=True)
class Product:
    """One catalogue row: its id as text, its texts by field, and every other column untouched.

    A value of `texts` is a string, or a tuple of strings for a field that holds a list. Absent, null and
    blank fields are not in `texts`.
    """

    id: str
    texts: Mapping[str, str | tuple[str, ...]]
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The English name, or "Product <id>" for a row without one."""
        name = self.texts.get("name")
        return name if isinstance(name, str) else f"Product {self.id}"


def clean_text(text: str) -> str:
    """Return `text` without control characters and lone surrogates, which no file format can carry."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def find_fields(words: Iterable[str] | None) -> tuple[str, ...]:
    """Return the field names meant by `words` (names or labels in any case); None or nothing means all.

    Raises SelectionError, naming the near matches, for an unknown field.
    """
    chosen: list[str] = []
    known = {spelling.casefold(): f.name for f in FIELDS for spelling in (f.name, f.label, *f.keys)}
    for word in words or ():
        name = known.get(word.strip().casefold())
        if name is None:
            raise SelectionError(
                f"The field “{word}” is not known.{did_you_mean(word, FIELD_NAMES)} Fields: {', '.join(FIELD_NAMES)}."
            )
        if name not in chosen:
            chosen.append(name)
    return tuple(chosen) or FIELD_NAMES


def parse_product(row: object, where: str) -> Product:
    """Return the product in one row of a catalogue, flat or nested under `extracted_data`.

    `where` names the row in messages ("Row 3"). Raises CatalogError when the row is no product.
    """
    if not isinstance(row, Mapping):
        raise CatalogError(f"{where} is not a product: expected an object with a product_id, found {_what(row)}.")
    nested = row.get("extracted_data")
    inner: Mapping[str, Any] = nested if isinstance(nested, Mapping) else {}
    ident = _identity(row, inner, where)
    texts: dict[str, str | tuple[str, ...]] = {}
    for entry in FIELDS:
        for source in (inner, row):
            key = next((k for k in entry.keys if source.get(k) is not None), None)
            if key is not None:
                text = _read_text(source[key], f"{where} (product {ident})", key)
                if text:
                    texts[entry.name] = text
                break
    extra = {k: v for source in (row, inner) for k, v in source.items() if _passes_through(k)}
    return Product(ident, texts, extra)


def _cleaned(product: Product) -> Product:
    """Return a product built by hand with its texts as a file's would be."""
    texts = {
        name: clean_text(value) if isinstance(value, str) else tuple(clean_text(item) for item in value)
        for name, value in product.texts.items()
    }
    return product if texts == dict(product.texts) else Product(product.id, texts, product.extra)


def _passes_through(key: str) -> bool:
    return key not in _KEY_TO_FIELD and key not in ("extracted_data", *_ID_KEYS)


def _identity(row: Mapping[str, Any], inner: Mapping[str, Any], where: str) -> str:
    for source in (row, inner):
        for key in _ID_KEYS:
            value = source.get(key)
            if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                if isinstance(value, float) and value.is_integer():
                    value = int(value)
                ident = clean_text(str(value)).strip()
                if ident:
                    return ident
            elif value is not None:
                raise CatalogError(f"{where} has a {key} that is {_what(value)}. Give it a number or a short text.")
    raise CatalogError(f"{where} has no product_id. Give every product an id of its own.")


def _read_text(value: object, where: str, key: str) -> str | tuple[str, ...]:
    """Return a field's text, a tuple for a list; blank becomes an empty value."""
    if isinstance(value, str):
        text = clean_text(value)
        return text if text.strip() else ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Sequence):
        items: list[str] = []
        for item in value:
            part = _read_text(item, where, key) if item is not None else ""
            if isinstance(part, tuple):
                raise CatalogError(
                    f"{where}: the field “{key}” holds a list inside a list. Use one plain list of texts."
                )
            if part:
                items.append(part)
        return tuple(items)
    raise CatalogError(f"{where}: the field “{key}” is {_what(value)}. It must be a text or a list of texts.")


def _what(value: object) -> str:
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a nested object" if isinstance(value, Mapping) else "a list"


class Catalog:
    """A catalogue that can be iterated many times, holding small files and streaming large ones.

    Iterating yields `Product`s in file order and raises CatalogError at the first row that is none, or
    whose id was seen before.
    """

    def __init__(self, read: Callable[[], Iterator[Product]], source: str, *, held: bool = False) -> None:
        self._read = read
        self.source = source
        self.held = held

    def __iter__(self) -> Iterator[Product]:
        return self._read()

    @classmethod
    def of(cls, products: Iterable[Product | Mapping[str, Any]]) -> Catalog:
        """Return a catalogue over products, or rows as a file would have them, that are at hand."""
        if isinstance(products, cls):
            return products
        rows = (
            _cleaned(p) if isinstance(p, Product) else parse_product(p, f"Row {number}")
            for number, p in enumerate(products, start=1)
        )
        held = list(_without_duplicates(rows, "The list of products"))
        return cls(lambda: iter(held), "the products given", held=True)

    @classmethod
    def open(cls, path: str | Path | None = None) -> Catalog:
        """Return the catalogue in a .json or .jsonl file (the shipped one by default).

        Raises CatalogError when the file is missing, unreadable or not a catalogue; rows of a large file
        are checked while they are iterated.
        """
        file = Path(path) if path is not None else DEFAULT_CATALOG
        check_file(file)

        def read() -> Iterator[Product]:
            def products() -> Iterator[Product]:
                for number, row in enumerate(file_rows(file), start=1):
                    yield parse_product(row, f"Row {number} of {file.name}")

            return _without_duplicates(products(), file.name)

        if file.stat().st_size > STREAM_ABOVE_BYTES:
            return cls(read, str(file))
        held = list(read())
        if not held:
            raise CatalogError(f"{file.name} holds no products. It must be a list with at least one product.")
        if not any(p.texts for p in held):
            raise CatalogError(
                f"{file.name} has products but none of the texts to translate. "
                f"Expected fields such as {', '.join(f.keys[0] for f in FIELDS)}."
            )
        return cls(lambda: iter(held), str(file), held=True)

    def select(self, product_ids: Sequence[str | int] | None) -> Catalog:
        """Return the catalogue narrowed to `product_ids`, in the order of the file; None or nothing: all.

        Raises SelectionError, naming the near matches, when an id is not in the catalogue.
        """
        if not product_ids:
            return self
        wanted = {str(i).strip() for i in product_ids}
        found: dict[str, Product] = {}
        known: list[str] = []
        for product in self:
            if product.id in wanted:
                found[product.id] = product
            if len(known) < 10_000:
                known.append(product.id)
        missing = sorted(wanted - found.keys())
        if not known:
            raise SelectionError("The list of products is empty. Give at least one product.")
        if missing:
            raise SelectionError(
                f"Product “{missing[0]}” is not in {Path(self.source).name}."
                f"{did_you_mean(missing[0], known) or f' It has {len(known)} products, the first is “{known[0]}”.'}"
            )
        chosen = list(found.values())
        return Catalog(lambda: iter(chosen), self.source, held=True)


def load_products(path: str | Path | None = None) -> list[Product]:
    """Return all products of a catalogue file, the shipped KETL Mtn. catalogue by default.

    Reads .json (a list, or an object with the list under `products`) and .jsonl, rows flat or nested under
    `extracted_data`. Raises CatalogError with a sentence that names the row or field that is wrong.
    """
    return list(Catalog.open(path))


def _without_duplicates(products: Iterator[Product], where: str) -> Iterator[Product]:
    seen: set[str] = set()
    for product in products:
        if product.id in seen:
            raise CatalogError(
                f"{where} has the product id “{product.id}” more than once. Give every product an id of its own."
            )
        seen.add(product.id)
        yield product
