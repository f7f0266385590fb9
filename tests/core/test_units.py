"""Products are cut into texts that rejoin to what they were, and equal texts are found to be equal."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ketl.catalog.products import FIELD_NAMES, KIND_OF, Product
from ketl.catalog.units import Segment, cut_products, cut_texts, text_key
from ketl.formats.catalog_files import load_products
from ketl.language.languages import find_language
from tests.strategies import clean_any_text, products


@given(products())
def test_texts_rejoin_to_the_product_they_were_cut_from(product: Product) -> None:
    rejoined: dict[str, str | tuple[str, ...]] = {}
    for text in cut_texts(product, FIELD_NAMES):
        assert text.product_id == product.id and text.kind == KIND_OF[text.field]
        if text.item is None:
            rejoined[text.field] = text.source
        else:
            assert text.item == len(rejoined.get(text.field, ()))
            rejoined[text.field] = (*rejoined.get(text.field, ()), text.source)
    assert rejoined == product.texts


@given(st.sampled_from(["title", "prose"]), clean_any_text, st.sampled_from(["title", "prose"]), clean_any_text)
def test_keys_are_equal_exactly_for_equal_text_of_equal_kind(one: str, left: str, other: str, right: str) -> None:
    assert (text_key(one, left) == text_key(other, right)) == ((one, left) == (other, right))
    assert text_key(one, left) == text_key(one, str(left)) and len(text_key(one, left)) == 12


@settings(max_examples=60)
@given(st.lists(products(), max_size=4))
def test_every_text_is_named_and_the_first_of_its_kind_is_marked(several: list[Product]) -> None:
    cut = list(cut_products(several, FIELD_NAMES))
    assert [(p.product_id, p.product_name) for p in cut] == [(p.id, p.name) for p in several]
    marked = [pair for product in cut for pair in zip(product.texts, product.fresh, strict=True)]
    assert [text for text, _ in marked] == [text for p in several for text in cut_texts(p, FIELD_NAMES)]
    firsts = [(text.kind, text.source) for text, first in marked if first]
    assert len(firsts) == len(set(firsts)) == len({(text.kind, text.source) for text, _ in marked})


def test_texts_come_in_the_order_of_the_fields_asked_for() -> None:
    hoodie = load_products()[0]
    cut = [(text.field, text.item) for text in cut_texts(hoodie, ["colors", "name", "price"])]
    assert cut == [("colors", 0), ("colors", 1), ("colors", 2), ("colors", 3), ("colors", 4), ("name", None)]


def test_a_colour_and_a_product_of_the_same_name_stay_apart() -> None:
    slate = Product("1", {"name": "Slate", "colors": ("Slate", "Slate")})
    name, first, second = cut_texts(slate, ("name", "colors"))
    assert name.key != first.key == second.key


def test_a_segment_is_told_by_its_text_and_its_language() -> None:
    key = text_key("option", "Navy")
    spanish, arabic = (Segment(key, "option", "Navy", find_language(tag)) for tag in ("es", "ar"))
    assert spanish.id == (key, "es") and arabic.id == (key, "ar")
