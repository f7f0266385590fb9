"""Cut texts come back as they were kept, from memory and from a file alike, as often as anybody asks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ketl.catalog.cuttings import Cuttings
from ketl.catalog.products import FIELD_NAMES, Product
from ketl.catalog.units import Segment, cut_products
from ketl.language.languages import find_languages
from tests.strategies import products

LANGUAGES = find_languages(["es", "ar"])


@settings(max_examples=80)
@given(st.lists(products(), max_size=9), st.sampled_from([0, 300, 10**9]))
def test_what_was_kept_is_what_is_read_by_every_reader(several: list[Product], most_held_bytes: int) -> None:
    cut = list(cut_products(several, FIELD_NAMES))
    cuttings = Cuttings(most_held_bytes)
    assert list(cuttings.keep(cut)) == cut
    assert list(cuttings) == cut
    assert list(zip(cuttings, cuttings, strict=True)) == list(zip(cut, cut, strict=True))


@settings(max_examples=40)
@given(st.lists(products(), max_size=5))
def test_every_segment_comes_once_with_the_first_text_that_has_it(several: list[Product]) -> None:
    cuttings = Cuttings()
    cut = list(cuttings.keep(cut_products(several, FIELD_NAMES)))
    segments = list(cuttings.segments(LANGUAGES))
    wanted = {(text.key, language.tag) for product in cut for text in product.texts for language in LANGUAGES}
    assert len(segments) == len(wanted) and {segment.id for segment, _ in segments} == wanted
    for segment, text in segments:
        assert segment == Segment(text.key, text.kind, text.source, segment.language)
        assert text == next(t for product in cut for t in product.texts if t.key == segment.key)


def test_a_large_selection_lies_in_a_file_and_little_of_it_at_hand() -> None:
    many = [Product(str(n), {"details": f"{n} " + "x" * 500}) for n in range(500)]
    cuttings = Cuttings(most_held_bytes=20_000)
    for _ in cuttings.keep(cut_products(many, FIELD_NAMES)):
        pass
    assert cuttings._file is not None and cuttings._pieces == []
    assert [product.product_id for product in cuttings] == [str(n) for n in range(500)]
