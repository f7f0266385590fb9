"""A changed English text is found with what it said before and the translation of that."""

from __future__ import annotations

from ketl.catalog.catalog import Catalog
from ketl.catalog.units import cut_texts
from ketl.language.languages import find_language
from ketl.memory.memory import Memory, Remembered
from ketl.memory.outdated import find_outdated
from ketl.store.store import Store

SPANISH = find_language("es")


def catalog(name: str) -> Catalog:
    return Catalog.of([{"product_id": 1, "product_name": name, "other_details": "Dries fast."}])


def noted(store: Store, rows: Catalog) -> Memory:
    memory = Memory(store, "demo")
    for product in rows:
        for text in cut_texts(product, ("name", "details")):
            memory.remember(
                [
                    Remembered(
                        key=text.key,
                        language_tag="es",
                        kind=text.kind,
                        source=text.source,
                        translation="…" + text.source,
                        fingerprint="f",
                        product_id=product.id,
                        field=text.field,
                        item=text.item,
                    )
                ]
            )
            memory.note_units([text], "es")
    return memory


def test_only_the_changed_text_is_outdated_and_both_texts_are_shown(store: Store) -> None:
    memory = noted(store, catalog("Rain Jacket"))
    assert list(find_outdated(memory, catalog("Rain Jacket"), [SPANISH])) == []
    (found,) = find_outdated(memory, catalog("Storm Jacket"), [SPANISH])
    assert (found.product_id, found.field, found.language) == ("1", "name", "Spanish")
    assert (found.old_source, found.new_source) == ("Rain Jacket", "Storm Jacket")
    assert found.old_translation == "…Rain Jacket"
