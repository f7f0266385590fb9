"""What travels with a text to the model, and how the answer is judged when it comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from ketl import checks
from ketl.catalog import placeables
from ketl.catalog.units import Segment, text_key
from ketl.checks.base import Finding, Severity
from ketl.checks.profiles import NO_LIMIT, find_limit
from ketl.checks.subject import Subject
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary, Term
from ketl.language.languages import Language
from ketl.prompts.tokens import completion_tokens, source_tokens
from ketl.prompts.wording import PROMPT_VERSION, SYSTEM, Item, build_user, extra_fields
from ketl.provider.models import Model
from ketl.provider.protocol import Call

PLACEABLES_LOST = "placeables"
# Findings whose text must not even be shown as a draft: it is no translation at all.
NOT_A_TRANSLATION = frozenset({"empty", "chatter", "refusal", "error-text", "truncated", "unsafe-markup"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """One segment made ready to travel: placeables hidden, its glossary terms found, its size estimated.

    `fingerprint` changes with everything that shapes the prompt; the memory keeps answers by it.
    `ready` holds the finished text of a segment that needs no model: nothing in it can be translated.
    """

    segment: Segment
    hidden: placeables.Hidden
    terms: tuple[Term, ...]
    source_tokens: float
    completion_tokens: float
    ready: str | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """The glossary, the brand voice and the limits of length that one run works with."""

    glossary: Glossary
    voice: BrandVoice
    profile: str | None = None
    _styles: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    _pinned: dict[str, Glossary] = field(default_factory=dict, compare=False, repr=False)

    def pin(self, tag: str, terms: Glossary) -> None:
        """Use `terms`, too, for every text of a language that is prepared from now on."""
        self._pinned[tag] = terms

    def prepare(self, segment: Segment) -> Prepared:
        """Return `segment` made ready to travel."""
        terms = self.glossary.occurring(segment.source, segment.language)
        pinned = self._pinned.get(segment.language.tag)
        if pinned is not None and segment.kind != "option":
            terms += pinned.occurring(segment.source, segment.language)
        hidden = _hide(segment.source, tuple(t.term for t in terms if t.do_not_translate))
        return Prepared(
            segment,
            hidden,
            terms,
            source_tokens(hidden.text) + 6 * sum(1 for t in terms if not t.do_not_translate),
            completion_tokens(hidden.text, segment.language),
            segment.source if placeables.nothing_to_translate(hidden) else None,
        )

    def warm(self, language: Language) -> None:
        """Make the checks ready for a language: their patterns are compiled when first used, 5 ms a language."""
        text = "Waterproof, 121g, 5 cm wide."
        self.judge(self.prepare(Segment(text_key("prose", text), "prose", text, language)), text)

    def style(self, language: Language) -> str:
        """Return how to address readers of `language`, in a few words; empty when the brand voice does not say."""
        known = self._styles.get(language.tag)
        if known is None:
            formality = self.voice.formality(language)
            known = self._styles[language.tag] = f"{formality.register}: {formality.address}" if formality else ""
        return known

    def _formality(self, language: Language) -> str | None:
        formality = self.voice.formality(language)
        return formality.register if formality and formality.register in ("formal", "informal") else None

    def fingerprint(self, prepared: Prepared) -> str:
        """Return what the memory keeps an answer by: a hash over everything that shapes the prompt."""
        shown = [f"{t.term}>{'|'.join(t.renderings)}" for t in prepared.terms]
        style = self.style(prepared.segment.language)
        said = "\0".join((PROMPT_VERSION, self.voice.version, style, prepared.hidden.text, *shown))
        return blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()

    def call(
        self,
        items: Sequence[Prepared],
        language: Language,
        model: Model,
        ceiling: int,
        faults: Mapping[bytes, Sequence[str]],
    ) -> Call:
        """Return the call that asks `model` for the translations of `items`."""
        keys = wire_keys(items)
        glossary: dict[str, str] = {}
        for item in items:
            for term in item.terms:
                if not term.do_not_translate and term.renderings:
                    glossary[term.term] = term.renderings[0]
        hidden = {key: item.hidden.values for key, item in zip(keys, items, strict=True) if item.hidden.values}
        named = {
            key: faults[item.segment.key] for key, item in zip(keys, items, strict=True) if item.segment.key in faults
        }
        user = build_user(
            language,
            [Item(key, item.hidden.text, item.segment.kind) for key, item in zip(keys, items, strict=True)],
            style=self.style(language),
            glossary=glossary,
            placeables=hidden,
            faults=named,
        )
        return Call(
            model=model.id,
            system=SYSTEM,
            user=user,
            max_completion_tokens=ceiling,
            extra=extra_fields(model, keys),
        )

    def judge(self, prepared: Prepared, answer: str, *, cut_off: bool = False) -> tuple[str, tuple[Finding, ...]]:
        """Return the finished text of an answer (placeables restored, safe fixes made) and its findings."""
        segment = prepared.segment
        findings: tuple[Finding, ...] = ()
        restored = placeables.restore(answer, prepared.hidden)
        if restored.missing or restored.extra:
            lost = ", ".join(restored.missing) or ", ".join(restored.extra)
            findings = (Finding(PLACEABLES_LOST, Severity.ERROR, f"Protected text was lost or changed: {lost}."),)
        text = checks.autofix(restored.text, segment.language, segment.source)
        subject = Subject(
            source=segment.source,
            translation=text,
            language=segment.language,
            kind=segment.kind,
            terms=prepared.terms,
            limits=find_limit(self.profile, "", segment.kind) if self.profile else NO_LIMIT,
            finish_reason="length" if cut_off else None,
            formality=self._formality(segment.language),
        )
        return text, findings + checks.run_checks(subject)


def wire_keys(items: Sequence[Prepared]) -> list[str]:
    """Return the keys of `items` on the wire: the kind of text and a running number."""
    return [f"{item.segment.kind}{number}" for number, item in enumerate(items, start=1)]


@lru_cache(maxsize=20_000)
def _hide(source: str, names: tuple[str, ...]) -> placeables.Hidden:
    """Hide once per source text: every language of it travels with the same marks."""
    return placeables.hide(source, names)
