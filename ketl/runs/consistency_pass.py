"""The consistency pass: fixes how option values that recur in other texts are rendered, before those are sent.

A colour that a title or a description names again must be the same word there as in the option list. So the
options are translated first, and every text that mentions one waits for it and is sent with it as a term.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ketl.catalog.cuttings import Cuttings
from ketl.catalog.units import Text
from ketl.checks.base import has_error
from ketl.language.glossary import Glossary, Term
from ketl.language.languages import Language
from ketl.planning.census import Census
from ketl.results.outcome import Outcome, Status

# Larger selections are not searched for recurring options: it would take longer than it helps.
MOST_TEXTS = 20_000
_SHORTEST = 3


class TermSheet:
    """Which texts wait for which options, and the renderings once they are known.

    `waiting` are the keys of the texts that mention an option; `glossary(tag)` returns the renderings of a
    language as terms.
    """

    def __init__(self, texts: Iterable[Text], languages: Iterable[Language], known: Glossary) -> None:
        options: dict[str, Text] = {}
        others: dict[bytes, Text] = {}
        for text in texts:
            if text.kind != "option":
                others[text.key] = text
            elif len(text.source) >= _SHORTEST:
                options.setdefault(text.source.strip().casefold(), text)
        self.waiting: frozenset[bytes] = frozenset()
        self._missing: dict[str, set[bytes]] = {}
        self._terms: dict[str, list[Term]] = {}
        self._sources: dict[bytes, str] = {}
        self._changed = asyncio.Event()
        if not options or len(options) + len(others) > MOST_TEXTS:
            return
        # What the glossary already fixes needs no second rule.
        fixed = {term.term.casefold() for term in known.terms}
        lookup = Glossary(Term(text.source.strip()) for name, text in options.items() if name not in fixed)
        mentioned: set[str] = set()
        waiting: set[bytes] = set()
        for text in others.values():
            found = lookup.occurring(text.source, "en")
            if found:
                waiting.add(text.key)
                mentioned.update(term.term.casefold() for term in found)
        self.waiting = frozenset(waiting)
        self._sources = {options[name].key: options[name].source.strip() for name in mentioned}
        self._missing = {language.tag: set(self._sources) for language in languages} if mentioned else {}

    def take(self, outcome: Outcome) -> None:
        """Take in how an option ended: a clean translation becomes a term."""
        missing = self._missing.get(outcome.language_tag)
        if missing is None or outcome.key not in missing:
            return
        missing.discard(outcome.key)
        clean = outcome.status is not Status.FAILED and not has_error(outcome.findings)
        if clean and outcome.text:
            term = Term(self._sources[outcome.key], (outcome.text,), language_tag=outcome.language_tag)
            self._terms.setdefault(outcome.language_tag, []).append(term)
        if not missing:
            self._changed.set()

    def ready(self, tag: str) -> bool:
        """Whether every recurring option of a language has ended."""
        return not self._missing.get(tag)

    def glossary(self, tag: str) -> Glossary:
        """Return the renderings of a language, fit to be looked up in a text."""
        return Glossary(self._terms.get(tag, ()))

    async def wait(self, most_s: float) -> None:
        """Return when another language is ready, or after `most_s` seconds."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), most_s)
        except TimeoutError:
            return


def term_sheet(cuttings: Cuttings, census: Census, languages: Iterable[Language], known: Glossary) -> TermSheet:
    """Return the sheet of a selection; an empty one for a selection too large to search."""
    few = census.distinct <= MOST_TEXTS
    return TermSheet((text for product in (cuttings if few else ()) for text in product.texts), languages, known)
