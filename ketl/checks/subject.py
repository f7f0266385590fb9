"""What a check looks at: one source, one translation, and what is known of both, read once and kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Protocol

from ketl.checks import _patterns as pat
from ketl.checks import _traits as traits
from ketl.checks._alphabets import all_plain
from ketl.checks._function_words import count_function_words
from ketl.checks._number_words import ENGLISH_NUMBER_WORDS
from ketl.checks._traits import read_letter_traits, read_traits
from ketl.checks._units import has_all_units, unit_after, unit_before
from ketl.checks.numerals import (
    FOLDABLE,
    MOST_NUMERALS,
    PROTECTING_SIGNS,
    Numeral,
    fold_digits,
    mask_protected,
    plain,
    read_numerals,
)
from ketl.checks.profiles import NO_LIMIT, Limit
from ketl.language.languages import Language


class GlossaryTerm(Protocol):
    """What a check needs of a glossary term; `ketl.language.glossary` has the class."""

    @property
    def term(self) -> str:
        """The English term."""

    @property
    def renderings(self) -> tuple[str, ...]:
        """What may stand for it, the preferred one first; stems and inflected forms count."""

    @property
    def do_not_translate(self) -> bool:
        """Whether it stays as it is."""

    @property
    def forbidden(self) -> tuple[str, ...]:
        """What must not stand for it."""

    @property
    def case_sensitive(self) -> bool:
        """Whether only this spelling is the term."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of the source: what it can mean, its unit, and how freely a translation may write it."""

    text: str
    values: frozenset[str]
    unit: str | None
    ordinal: bool
    negative: bool


Tag = tuple[str, str]


def read_tags(text: str) -> tuple[Counter[Tag], Counter[str], bool]:
    """Return the tags of a text by (form, name), their kept attributes, and whether they nest rightly."""
    tags: Counter[Tag] = Counter()
    attributes: Counter[str] = Counter()
    open_names: list[str] = []
    nested = True
    for found in pat.TAG.finditer(text):
        name = found[2].casefold()
        if name in pat.VOID_TAGS or found[4] or found[3].rstrip().endswith("/"):
            tags["void", name] += 1
        elif found[1]:
            tags["close", name] += 1
            if open_names and open_names[-1] == name:
                open_names.pop()
            else:
                nested = False
        else:
            tags["open", name] += 1
            open_names.append(name)
        for key, value in pat.ATTRIBUTE.findall(found[3]):
            attributes[f"{key.casefold()}={value.strip(chr(34) + chr(39))}"] += 1
    return tags, attributes, nested and not open_names


def read_placeholders(text: str) -> Counter[str]:
    """Return the placeholders of a text, written without inner spaces; of an ICU choice its head only."""
    if pat.PLACEHOLDER_HINT.search(text) is None:
        return Counter()
    if choices := pat.ICU_CHOICE.findall(text):
        return Counter(f"{{{name}, {kind}}}" for name, kind in choices)
    return Counter("".join(found.split()) for found in pat.PLACEHOLDER.findall(text))


def bare(text: str) -> str:
    """Return the words and digits of a text in lower case with one space between them, no other sign."""
    return pat.NOT_LETTER.sub(" ", text.casefold()).strip()


def read_codes(text: str, words: frozenset[str]) -> tuple[str, ...]:
    """Return the codes of a text (4XL, 600D, V.2) and its acronyms of standards (UPF, YKK)."""
    codes = [found for found in pat.CODE.findall(text) if pat.NOT_CODE.fullmatch(found) is None]
    if not words.isdisjoint(pat.ACRONYM_WORDS):
        codes += pat.ACRONYM.findall(text)
    # Each is looked for in the other text; one with more of them has too many numbers, too, and says so.
    return tuple(codes[:MOST_NUMERALS])


# Shared by all texts without tags, placeholders and the like; never changed.
_NO_TAGS: Counter[Tag] = Counter()
_NOTHING: Counter[str] = Counter()


class SourceFacts:
    """What is read out of one source text, once for all languages that it is translated to."""

    def __init__(self, text: str) -> None:
        self.chars = chars = frozenset(text)
        folded = text if FOLDABLE.isdisjoint(chars) else fold_digits(text)
        self.folded = folded if PROTECTING_SIGNS.isdisjoint(chars) else mask_protected(folded)
        self.word_list = pat.WORD.findall(self.folded.casefold())
        self.words = words = frozenset(self.word_list)
        self.traits = read_traits(text, folded, chars, words)
        self._read_markup(text)
        self.newlines = text.count("\n")
        self.bullets = len(pat.BULLET.findall(text)) if self.newlines else 0
        self.clock = False
        numbers = bool(self.traits & traits.NUMBERS)
        self.quantities = self._read_quantities() if numbers else ()
        self.number_texts = [quantity.text for quantity in self.quantities]
        self.codes = read_codes(self.folded, words) if numbers or not words.isdisjoint(pat.ACRONYM_WORDS) else ()
        if self.codes:
            self.traits |= traits.CODES
        self.text = text
        self.ends_closed = (text.rstrip()[-1:] or "a") in pat.END_MARKS
        self.ends_balanced = text.count("(") == text.count(")")

    def _read_markup(self, text: str) -> None:
        kinds = self.traits
        marked = bool(kinds & traits.MARKUP)
        self.has_tags = "<" in self.chars
        self.tags, self.attributes, self.nested = read_tags(text) if self.has_tags else (_NO_TAGS, _NOTHING, True)
        self.placeholders = read_placeholders(text) if marked else _NOTHING
        self.entities = Counter(pat.ENTITY.findall(text)) if "&" in self.chars else _NOTHING
        self.urls = self.emails = _NOTHING
        if kinds & traits.ADDRESSES:
            self.urls = Counter(url.rstrip(".,;:!?") for url in pat.URL.findall(text))
            self.emails = Counter(pat.EMAIL.findall(text))

    @cached_property
    def bare(self) -> str:
        """The words and digits alone."""
        return bare(self.text)

    @cached_property
    def enders(self) -> int:
        """How many sentences end."""
        return len(pat.SENTENCE_END.findall(self.text.rstrip()))

    @cached_property
    def items(self) -> int:
        """How many entries the text has as a list."""
        return 1 + len(pat.LIST_MARK.findall(self.text.rstrip()))

    @cached_property
    def word_values(self) -> Counter[str]:
        """The numbers that words of the text can stand for."""
        return Counter(value for word in self.word_list for value in ENGLISH_NUMBER_WORDS.get(word, ()))

    @cached_property
    def dimensions(self) -> tuple[list[str], ...]:
        """The measures and ranges: rows of numbers whose order counts."""
        if len(self.quantities) < 2:
            return ()
        return tuple(
            [plain(n.text.replace(",", "")) for n in read_numerals(found[0], english=True)]
            for pattern in (pat.DIMENSION, pat.RANGE)
            for found in pattern.finditer(self.folded)
        )

    def _read_quantities(self) -> tuple[Quantity, ...]:
        text = self.folded
        clocks: dict[int, frozenset[str]] = {}
        for found in pat.CLOCK.finditer(text) if not self.words.isdisjoint(_HALVES) else ():
            hour = int(found[1])
            shifted = hour % 12 + (12 if found[3].casefold() == "p" else 0)
            clocks[found.start(1)] = frozenset((str(hour), str(shifted)))
            self.clock = True
        quotes_open = '"' in text and _opens_with_quote(text)
        quantities: list[Quantity] = []
        for numeral in read_numerals(text, english=True):
            unit = None if numeral.start in clocks else _english_unit(text, numeral, quotes_open)
            quantities.append(
                Quantity(
                    numeral.text,
                    clocks.get(numeral.start, numeral.values),
                    unit,
                    pat.ORDINAL.match(text, numeral.end) is not None,
                    pat.NEGATIVE.search(text, max(0, numeral.start - 2), numeral.start + 1) is not None,
                )
            )
        return tuple(quantities)


# What may follow the hour: “6 pm” and “6 p.m.”.
_HALVES = frozenset({"am", "pm", "a", "p"})


def _opens_with_quote(text: str) -> bool:
    """Tell whether a straight quote stands before a word, so that one after a digit may close it."""
    return any(char == '"' and (not index or not text[index - 1].isdigit()) for index, char in enumerate(text))


def _english_unit(text: str, numeral: Numeral, quotes_open: bool) -> str | None:
    unit = unit_after(text, numeral.end, "en")
    if unit == "in":
        after = text[numeral.end : numeral.end + 4]
        if after[:1] in ('"', "”", "“") and quotes_open:
            return None
    if unit == "m" and text[numeral.end : numeral.end + 1] == " ":
        return "m" if text[numeral.end + 1 : numeral.end + 2] == "m" else None
    return unit


@lru_cache(maxsize=4096)
def source_facts(text: str) -> SourceFacts:
    """Return the facts of a source text; the latest 4,096 are kept."""
    return SourceFacts(text)


class TargetFacts:
    """What several checks read out of one translation, each fact when first asked for."""

    __slots__ = (
        "_function_words",
        "_language",
        "_number_texts",
        "_numerals",
        "_recognised",
        "_source",
        "_terms",
        "chars",
        "folded",
        "lowered",
        "text",
        "traits",
        "word_list",
        "words",
    )

    def __init__(self, text: str, source: str, language: Language, terms: tuple[GlossaryTerm, ...]) -> None:
        self.text = text
        self.lowered = text.casefold()
        self.chars = chars = frozenset(text)
        self.word_list = pat.WORD.findall(self.lowered)
        self.words = frozenset(self.word_list)
        folded = text if FOLDABLE.isdisjoint(chars) else fold_digits(text)
        self.folded = folded if PROTECTING_SIGNS.isdisjoint(chars) else mask_protected(folded)
        self.traits = read_traits(text, folded, chars, self.words)
        self._source = source
        self._language = language
        self._terms = terms
        self._numerals: tuple[Numeral, ...] | None = None
        self._number_texts: list[str] | None = None
        self._function_words: int | None = None
        self._recognised: bool | None = None

    @property
    def numerals(self) -> tuple[Numeral, ...]:
        """The numbers of the translation, with every value they can mean."""
        if self._numerals is None:
            self._numerals = read_numerals(self.folded)
        return self._numerals

    @property
    def number_texts(self) -> list[str]:
        """The numbers of the translation as they are written."""
        if self._number_texts is None:
            self._number_texts = [numeral.text for numeral in self.numerals]
        return self._number_texts

    @property
    def function_words(self) -> int:
        """How many different small words of its language the translation has."""
        if self._function_words is None:
            self._function_words = count_function_words(self.text, self.words, self._language.tag)
        return self._function_words

    @property
    def recognised(self) -> bool:
        """Whether the text is plainly of its language: it has small words of it, or renderings from the glossary.

        Matters of style are raised only then, so that codes, names and pseudo-translations stay quiet.
        """
        if self._recognised is None:
            self._recognised = self.function_words >= 2 or self._speaks_glossary()
        return self._recognised

    def _speaks_glossary(self) -> bool:
        """Tell whether enough terms, other than those that stay the same word, have a rendering in the text."""
        terms = [
            term
            for term in self._terms
            if term.renderings
            and not term.do_not_translate
            and term.term.casefold() not in map(str.casefold, term.renderings)
        ]
        hits = sum(map(self._renders, terms))
        # In another script one rendering may be a mere transliteration; most of them are not.
        return (
            hits * 2 > len(terms)
            or (hits * 2 == len(terms) and hits > 1)
            or (hits > 0 and self._language.script == "Latn")
        )

    def _renders(self, term: GlossaryTerm) -> bool:
        source = self._source.casefold()
        return any(
            len(rendering) >= 2 and (folded := rendering.casefold()) in self.lowered and folded not in source
            for rendering in term.renderings
        )

    def unit_of(self, numeral: Numeral) -> str | None:
        """The unit beside a number, after it or before it; an empty string when only punctuation follows."""
        tag = self._language.tag
        unit = unit_after(self.folded, numeral.end, tag) or unit_before(self.folded, numeral.start, tag)
        if unit is not None:
            return unit
        rest = self.folded[numeral.end : numeral.end + 3].lstrip(" \u00a0\u202f-\u2011")
        if not rest or not rest[0].isalnum():
            return ""
        # Next to a word the tables do not know, the unit counts as lost only where they are complete.
        return "" if not rest[0].isdigit() and has_all_units(tag) and self.recognised else None


@dataclass(frozen=True, slots=True)
class Subject:
    """One translation to check, with its English source.

    `kind` is the field kind (title, list, spec, prose, option); `terms` the glossary terms that occur in
    the source; `limits` the longest text the place takes; `finish_reason` the provider's own word for why
    the reply ended, None when unknown; `formality` "formal" or "informal" where the brand voice asks for
    one, else None. `facts` and `seen` are what is read out of the two texts, `traits` what either of them has
    for checks to look at.
    """

    source: str
    translation: str
    language: Language = field(kw_only=True)
    kind: str = field(default="prose", kw_only=True)
    terms: tuple[GlossaryTerm, ...] = field(default=(), kw_only=True)
    limits: Limit = field(default=NO_LIMIT, kw_only=True)
    finish_reason: str | None = field(default=None, kw_only=True)
    formality: str | None = field(default=None, kw_only=True)
    facts: SourceFacts = field(init=False, repr=False, compare=False)
    seen: TargetFacts = field(init=False, repr=False, compare=False)
    traits: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        facts = source_facts(self.source)
        seen = TargetFacts(self.translation, self.source, self.language, self.terms)
        found = facts.traits | seen.traits
        if self.terms:
            found |= traits.TERMS
        if self.limits.max_chars is not None:
            found |= traits.LIMITED
        if not all_plain(seen.chars, self.language.tag, self.language.script):
            found |= traits.STRANGE
        if not self.translation.isascii():
            found |= read_letter_traits(seen.chars, self.language.script)
        object.__setattr__(self, "facts", facts)
        object.__setattr__(self, "seen", seen)
        object.__setattr__(self, "traits", found)
