"""One segment made ready to travel: what is hidden in it, its glossary terms, and its size."""

from __future__ import annotations

from dataclasses import dataclass

from ketl.catalog.placeables import Hidden
from ketl.catalog.units import Segment
from ketl.language.glossary import Term
from ketl.prompts.tokens import completion_tokens, source_tokens

_TERM_TOKENS = 6  # a term with its rendering, in the glossary of a request


@dataclass(frozen=True, slots=True)
class Prepared:
    """One segment made ready to travel: placeables hidden, its glossary terms found.

    `ready` holds the finished text of a segment that needs no model: nothing in it can be translated.
    """

    segment: Segment
    hidden: Hidden
    terms: tuple[Term, ...]
    ready: str | None = None

    @property
    def source_tokens(self) -> float:
        """About how many tokens it takes in a prompt, its terms included."""
        return source_tokens(self.hidden.text) + _TERM_TOKENS * sum([not term.do_not_translate for term in self.terms])

    @property
    def completion_tokens(self) -> float:
        """About how many tokens its translation takes in an answer."""
        return completion_tokens(self.hidden.text, self.segment.language)
