"""Reads product rows and says which of their fields are text to translate, of which kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ketl._words import did_you_mean
from ketl.errors import CatalogError, SelectionError

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f]")


_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One translatable field: its name, what kind of text it holds, and the keys it may have in a file.

    A product that fills several of these keys has several texts: the field's own, and each other one under its key.
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


# Of every name that a text may stand under: the fields', and the other keys of a file for the same.
KIND_OF: Mapping[str, str] = {name: f.kind for f in FIELDS for name in (f.name, *f.keys)}


_LABEL_OF: Mapping[str, str] = {key: f"{f.label} ({key})" for f in FIELDS for key in f.keys} | {
    f.name: f.label for f in FIELDS
}


_NAMES_OF: Mapping[str, tuple[str, ...]] = {f.name: tuple(dict.fromkeys((f.name, *f.keys))) for f in FIELDS}


_ID_KEYS = ("product_id", "id", "sku")
# All others pass through untouched.
_OWN_KEYS = frozenset((*(key for f in FIELDS for key in f.keys), "extracted_data", *_ID_KEYS))


@dataclass(frozen=True, slots=True)
class Product:
    """One catalogue row: its id as text, its texts by field, and every other column untouched.

    A value of `texts` is a string, or a tuple of strings for a field that holds a list. Absent, null and
    blank fields are not in `texts`. Where a row fills several keys of one field, the texts beside the field's own
    stand under their keys.
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
    # What can be printed holds neither, and most texts can: this is asked of every text of a catalogue.
    return text if text.isprintable() else _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def field_label(name: str, item: int | None = None) -> str:
    """Return a field's label: “Details”, for an item of a list “Colors 2”, for another key “Details (description)”."""
    label = _LABEL_OF.get(name, name)
    return label if item is None else f"{label} {item + 1}"


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
    # What was taken out of a page stands inside; the same key outside it is what it was taken from.
    cells = {**row, **{key: value for key, value in inner.items() if _is_filled(value)}}
    texts: dict[str, str | tuple[str, ...]] = {}
    extra = {k: v for source in (row, inner) for k, v in source.items() if k not in _OWN_KEYS}
    for entry in FIELDS:
        filled = [key for key in entry.keys if _is_filled(cells.get(key))]
        # Beside a text, what is none passes through; alone in its field it is a mistake, and `_read_text` says so.
        readable = [key for key in filled if _is_text(cells[key])] or filled[:1]
        extra |= {key: cells[key] for key in filled if key not in readable}
        # A key that is called as the field is keeps its name, so that no two texts of a row share one.
        own = entry.name if entry.name in readable else next(iter(readable), "")
        for key in readable:
            text = _read_text(cells[key], where, ident, key)
            if text:
                texts[entry.name if key == own else key] = text
    return Product(ident, texts, extra)


def _is_filled(value: object) -> bool:
    several = value if isinstance(value, (list, tuple)) else [value]
    return any(item.strip() if isinstance(item, str) else item is not None for item in several)


def _is_text(value: object) -> bool:
    several = value if isinstance(value, (list, tuple)) else [value]
    return all(item is None or (isinstance(item, (str, int, float)) and not isinstance(item, bool)) for item in several)


def chosen_texts(product: Product, fields: Sequence[str]) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield the texts of a product with their names: field by field, of each its own text and then its other keys'."""
    for entry in fields:
        for name in _NAMES_OF.get(entry, (entry,)):
            value = product.texts.get(name)
            if value is not None:
                yield name, value


def _cleaned(product: Product) -> Product:
    """Return a product built by hand with its texts as a file's would be."""
    texts = {
        name: clean_text(value) if isinstance(value, str) else tuple(clean_text(item) for item in value)
        for name, value in product.texts.items()
    }
    return product if texts == dict(product.texts) else Product(product.id, texts, product.extra)


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


def _read_text(value: object, where: str, ident: str, key: str) -> str | tuple[str, ...]:
    """Return a field's text, a tuple for a list; blank becomes an empty value."""
    if isinstance(value, str):
        text = clean_text(value)
        return text if text.strip() else ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Sequence):
        items: list[str] = []
        for item in value:
            part = _read_text(item, where, ident, key) if item is not None else ""
            if isinstance(part, tuple):
                raise CatalogError(
                    f"{where} (product {ident}): the field “{key}” holds a list inside a list. "
                    "Use one plain list of texts."
                )
            if part:
                items.append(part)
        return tuple(items)
    raise CatalogError(
        f"{where} (product {ident}): the field “{key}” is {_what(value)}. It must be a text or a list of texts."
    )


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
