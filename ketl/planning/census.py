"""Counts what a selection holds, in English, in one pass over its products."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ketl.catalog.products import Product
from ketl.catalog.units import distinct_texts
from ketl.prompts.tokens import source_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What a selection holds, in English: how many products and texts, the characters of all texts and of the
    distinct ones, and the distinct ones' sizes in tokens."""

    products: int
    texts: int
    all_characters: int
    characters: int
    tokens: array[float]

    @property
    def distinct(self) -> int:
        """How many distinct texts there are."""
        return len(self.tokens)


def take_census(
    products: Iterable[Product], fields: Sequence[str], each: Callable[[Product], None] | None = None
) -> Census:
    """Return the census of a selection, in one pass; `each` sees every product as it goes by."""
    counted = 0

    def watched() -> Iterable[Product]:
        nonlocal counted
        for product in products:
            counted += 1
            if each is not None:
                each(product)
            yield product

    tokens: array[float] = array("f")
    texts = characters = all_characters = 0
    for text, first in distinct_texts(watched(), fields):
        texts += 1
        all_characters += len(text.source)
        if first:
            tokens.append(source_tokens(text.source))
            characters += len(text.source)
    return Census(products=counted, texts=texts, all_characters=all_characters, characters=characters, tokens=tokens)
