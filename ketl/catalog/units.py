"""Cuts product × field × language into translation units, and groups equal ones into segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from ketl.catalog.products import KIND_OF, Product, chosen_texts
from ketl.language.languages import Language


class Text(NamedTuple):
    """One English text of one product: what a unit is before a language is chosen.

    `item` is the position in a list field, None elsewhere; `key` is equal for equal text of equal kind. A
    tuple, because a run makes one for every unit it has, and making a frozen record takes three times as long.
    """

    product_id: str
    field: str
    item: int | None
    kind: str
    source: str
    key: bytes


class Segment(NamedTuple):
    """A distinct source text of one kind in one language: translated once, shared by its units.

    `key` is the source text's key (see `Text`).
    """

    key: bytes
    kind: str
    source: str
    language: Language

    @property
    def id(self) -> tuple[bytes, str]:
        """What tells this segment from all others of a run: the text's key and the language tag."""
        return (self.key, self.language.tag)


def text_key(kind: str, source: str) -> bytes:
    """Return 12 bytes that are equal for equal source text of equal kind (BLAKE2b, 96 bits)."""
    return blake2b(f"{kind}\0{source}".encode("utf-8", "replace"), digest_size=12).digest()


def cut_texts(product: Product, fields: Sequence[str]) -> Iterator[Text]:
    """Yield the texts of `product` in the order of `fields`; list fields give one text an item."""
    for name, value in chosen_texts(product, fields):
        kind = KIND_OF.get(name, "prose")
        if isinstance(value, str):
            yield Text(product.id, name, None, kind, value, text_key(kind, value))
        else:
            for position, item in enumerate(value):
                yield Text(product.id, name, position, kind, item, text_key(kind, item))


class ProductTexts(NamedTuple):
    """The texts of one product, cut. `fresh` says of each whether it is the first of its key in the selection."""

    product_id: str
    product_name: str
    texts: tuple[Text, ...]
    fresh: tuple[bool, ...]


def cut_products(products: Iterable[Product], fields: Sequence[str]) -> Iterator[ProductTexts]:
    """Yield the texts of each product, with duplicates of an earlier text marked.

    Holds 12 bytes a distinct text, so that catalogues of any size stream through.
    """
    seen: set[bytes] = set()
    for product in products:
        texts = tuple(cut_texts(product, fields))
        fresh = []
        for text in texts:
            fresh.append(text.key not in seen)
            seen.add(text.key)
        yield ProductTexts(product.id, product.name, texts, tuple(fresh))
