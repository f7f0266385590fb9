"""Packs prepared segments into requests: so many of one language together, and never too long a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ketl.prompts.prepared import Prepared

# A pack's sources, in tokens. Longer answers fail more often and cost more when they do; models are
# reported to break JSON answers of several hundred items, far above this.
MAX_PACK_TOKENS = 900.0
MAX_PACK_SEGMENTS = 48


class Packer:
    """Gathers prepared segments, `sizes[group]` of one language at the most, into packs that ride together.

    Takes the segments as they come and holds at most one open pack a language, so any catalogue streams.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._open: dict[str, tuple[list[Prepared], float]] = {}

    def add(self, item: Prepared) -> Iterator[list[Prepared]]:
        """Take one segment in; yield the packs that are full by it."""
        language = item.segment.language
        size = self._sizes[language.group]
        if size == 1:
            yield [item]
            return
        items, tokens = self._open.pop(language.tag, ([], 0.0))
        if items and tokens + item.source_tokens > MAX_PACK_TOKENS:
            yield items
            items, tokens = [], 0.0
        items.append(item)
        if len(items) >= size:
            yield items
        else:
            self._open[language.tag] = (items, tokens + item.source_tokens)

    def rest(self) -> Iterator[list[Prepared]]:
        """Yield the packs that are not full."""
        for items, _ in self._open.values():
            yield items
        self._open.clear()


def count_packs(sizes_tokens: Sequence[float], size: int) -> int:
    """Return how many packs a `Packer` makes of segments with these source tokens, for one language."""
    if size * max(sizes_tokens, default=0.0) <= MAX_PACK_TOKENS:
        return -(-len(sizes_tokens) // size)
    packs = segments = 0
    tokens = 0.0
    for item in sizes_tokens:
        if segments and (segments >= size or tokens + item > MAX_PACK_TOKENS):
            packs += 1
            segments, tokens = 0, 0.0
        segments += 1
        tokens += item
    return packs + (1 if segments else 0)
