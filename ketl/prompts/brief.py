"""What a run tells a model with every text: the glossary, the brand voice, and the form of the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b

from ketl.catalog import placeables
from ketl.catalog.units import Segment, text_key
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary
from ketl.language.languages import Language
from ketl.prompts.judging import Judge
from ketl.prompts.prepared import Prepared
from ketl.prompts.wording import Item, build_user, extra_fields, system_message, wording_version
from ketl.provider.models import Model
from ketl.provider.protocol import Call

NO_TERMS = Glossary()


@dataclass(frozen=True)
class Brief:
    """The glossary, the brand voice and the limits of length that one run works with."""

    glossary: Glossary
    voice: BrandVoice
    profile: str | None = None
    _styles: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def judge(self) -> Judge:
        """What answers are held to."""
        return Judge(self.voice, self.profile)

    @cached_property
    def _system(self) -> str:
        return system_message(self.voice)

    @cached_property
    def _version(self) -> str:
        return wording_version(self.voice)

    def prepare(self, segment: Segment, pinned: Glossary = NO_TERMS) -> Prepared:
        """Return `segment` made ready to travel; `pinned` are terms that this run fixed beside the glossary's."""
        source, language = segment.source, segment.language
        terms = self.glossary.occurring(source, language)
        if pinned.terms and segment.kind != "option":
            terms += pinned.occurring(source, language)
        hidden = _hide(source, tuple([t.term for t in terms if t.do_not_translate]))
        return Prepared(
            segment,
            hidden,
            terms,
            source if placeables.nothing_to_translate(hidden) else None,
        )

    def warm(self, language: Language) -> None:
        """Make the checks ready for a language: their patterns are compiled when first used, 5 ms a language."""
        text = "Waterproof, 121g, 5 cm wide."
        self.judge.grade(self.prepare(Segment(text_key("prose", text), "prose", text, language)), text)

    def style(self, language: Language) -> str:
        """Return how to address readers of `language`, in a few words; empty when the brand voice does not say."""
        known = self._styles.get(language.tag)
        if known is None:
            formality = self.voice.formality(language)
            known = self._styles[language.tag] = f"{formality.register}: {formality.address}" if formality else ""
        return known

    def fingerprint(self, prepared: Prepared) -> str:
        """Return what the memory keeps an answer by: a hash over what is sent for this text, and over nothing else.

        The text as it travels and what its marks stand for, the renderings sent with it, the form of address,
        and the wording of the prompt (`wording_version`).
        """
        said = [self._version, self.style(prepared.segment.language), prepared.hidden.text, *prepared.hidden.values]
        said += [f"{term}>{rendering}" for term, rendering in _renderings(prepared)]
        return blake2b("\0".join(said).encode("utf-8", "replace"), digest_size=8).hexdigest()

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
        glossary = dict(pair for item in items for pair in _renderings(item))
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
            system=self._system,
            user=user,
            max_completion_tokens=ceiling,
            extra=extra_fields(model, keys),
        )


def wire_keys(items: Sequence[Prepared]) -> list[str]:
    """Return the keys of `items` on the wire: the kind of text and a running number."""
    return [f"{item.segment.kind}{number}" for number, item in enumerate(items, start=1)]


def _renderings(item: Prepared) -> list[tuple[str, str]]:
    """Return the terms that travel with a text, each with the rendering asked for."""
    return [(term.term, term.renderings[0]) for term in item.terms if term.renderings and not term.do_not_translate]


@lru_cache(maxsize=20_000)
def _hide(source: str, names: tuple[str, ...]) -> placeables.Hidden:
    """Hide once per source text: every language of it travels with the same marks."""
    return placeables.hide(source, names)
