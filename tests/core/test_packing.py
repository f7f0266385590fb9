"""Packs lose nothing, mix no languages, and keep to their sizes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ketl.catalog.placeables import Hidden
from ketl.catalog.units import Segment, text_key
from ketl.language.languages import find_language
from ketl.planning.packing import MAX_PACK_SEGMENTS, MAX_PACK_TOKENS, Packer, count_packs
from ketl.prompts.prepared import Prepared

TAGS = ("es", "fr", "ja", "ar")
# Four letters are a token, so that these are the sizes of texts in quarters of one.
sizes_tokens = st.integers(4, int(8 * MAX_PACK_TOKENS)).map(lambda n: n / 4) | st.integers(1, 60).map(float)
segments = st.lists(st.tuples(st.sampled_from(TAGS), sizes_tokens), max_size=120)
pack_sizes = st.fixed_dictionaries({group: st.integers(1, 48) for group in ("western", "asian", "arabic")})


def prepared(number: int, tag: str, tokens: float) -> Prepared:
    source = f"Sock {number}"
    segment = Segment(text_key("title", source), "title", source, find_language(tag))
    return Prepared(segment, Hidden("x" * round(4 * tokens)), ())


def pack(items: list[Prepared], sizes: dict[str, int]) -> list[list[Prepared]]:
    packer = Packer(sizes)
    packs = [full for item in items for full in packer.add(item)]
    packs += packer.rest()
    assert list(packer.rest()) == []
    return packs


@given(segments, pack_sizes)
def test_every_segment_rides_once_with_its_own_language_and_in_order(chosen, sizes) -> None:
    items = [prepared(n, tag, tokens) for n, (tag, tokens) in enumerate(chosen)]
    packs = pack(items, sizes)
    ridden = [item.segment.id for one in packs for item in one]
    assert Counter(ridden) == Counter(item.segment.id for item in items)
    for tag in TAGS:
        assert [i for i in ridden if i[1] == tag] == [i.segment.id for i in items if i.segment.language.tag == tag]
    assert all(len({item.segment.language.tag for item in one}) == 1 for one in packs)


@given(segments, pack_sizes)
def test_a_pack_holds_no_more_texts_and_tokens_than_allowed(chosen, sizes) -> None:
    for one in pack([prepared(n, tag, tokens) for n, (tag, tokens) in enumerate(chosen)], sizes):
        assert 1 <= len(one) <= sizes[one[0].segment.language.group]
        assert len(one) == 1 or sum(item.source_tokens for item in one) <= MAX_PACK_TOKENS


@given(st.lists(sizes_tokens, max_size=120), st.integers(1, MAX_PACK_SEGMENTS))
def test_the_planner_counts_the_packs_that_the_run_makes(tokens: list[float], size: int) -> None:
    items = [prepared(n, "es", amount) for n, amount in enumerate(tokens)]
    assert count_packs(tokens, size) == len(pack(items, {"western": size}))


def test_an_open_pack_is_kept_per_language_only() -> None:
    packer = Packer({"western": 3, "asian": 3})
    full = [one for n in range(5) for tag in ("es", "ja") for one in packer.add(prepared(n, tag, 10))]
    assert [len(one) for one in full] == [3, 3]
    assert [len(one) for one in packer.rest()] == [2, 2]
