"""Finds translations whose English has changed since: the old text and the new one, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ketl._batches import batches
from ketl.catalog.catalog import Catalog
from ketl.catalog.products import FIELD_NAMES
from ketl.catalog.units import cut_texts
from ketl.language.languages import Language
from ketl.memory.memory import Memory
from ketl.results.outcome import Status

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """One unit whose English changed: what it said, what it says now, and the translation of what it said."""

    product_id: str
    field: str
    item: int | None
    language: str
    old_source: str
    new_source: str
    old_translation: str
    status: Status


def find_outdated(memory: Memory, catalog: Catalog, languages: Sequence[Language]) -> Iterator[Outdated]:
    """Yield every unit of `catalog` whose text was another one when it was last noted, product by product.

    Raises RunError when the database fails.
    """
    texts = (text for product in catalog for text in cut_texts(product, FIELD_NAMES))
    for batch in batches(texts, _AT_ONCE):
        for language in languages:
            former = memory.former(batch, language.tag)
            for text in batch:
                old = former.get((text.product_id, text.field, text.item))
                if old is not None:
                    yield Outdated(
                        product_id=text.product_id,
                        field=text.field,
                        item=text.item,
                        language=language.name,
                        old_source=old.source,
                        new_source=text.source,
                        old_translation=old.translation,
                        status=old.status,
                    )
