"""Counts what a selection holds, in English, in one pass over its cut products."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from ketl.catalog.units import ProductTexts
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


def take_census(products: Iterable[ProductTexts]) -> Census:
    """Return the census of a selection, in one pass over its cut products."""
    tokens: array[float] = array("f")
    counted = texts = characters = all_characters = 0
    for product in products:
        counted += 1
        texts += len(product.texts)
        for text, first in zip(product.texts, product.fresh, strict=True):
            length = len(text.source)
            all_characters += length
            if first:
                tokens.append(source_tokens(text.source))
                characters += length
    return Census(products=counted, texts=texts, all_characters=all_characters, characters=characters, tokens=tokens)
