"""One segment made ready to travel: what is hidden in it, its glossary terms, and its size."""

from __future__ import annotations

from dataclasses import dataclass

from ketl.catalog.placeables import Hidden
from ketl.catalog.units import Segment
from ketl.language.glossary import Term


@dataclass(frozen=True, slots=True)
class Prepared:
    """One segment made ready to travel: placeables hidden, its glossary terms found, its size estimated in tokens.

    `ready` holds the finished text of a segment that needs no model: nothing in it can be translated.
    """

    segment: Segment
    hidden: Hidden
    terms: tuple[Term, ...]
    source_tokens: float
    completion_tokens: float
    ready: str | None = None
