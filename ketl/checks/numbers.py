"""Checks of numbers: every value kept, written as the language writes it, in the same order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import permutations

from ketl.checks import _traits as traits
from ketl.checks._function_words import base_tag
from ketl.checks._number_words import CARDINALS, count_in_words
from ketl.checks.base import Severity, check
from ketl.checks.numerals import MOST_NUMERALS, Numeral, count_digits, join_spaced
from ketl.checks.subject import Quantity, Subject

DECIMAL_COMMA = frozenset({
    "es", "fr", "de", "it", "pt", "ca", "nl", "sv", "da", "nb", "fi", "is", "pl", "cs", "sk", "sl", "hr", "hu",
    "ro", "lt", "lv", "et", "tr", "ru", "uk", "bg", "sr", "el", "vi", "id",
})  # fmt: skip
_POINT_REGIONS = frozenset({"es-MX"})
_ENGLISH_STYLE = re.compile(r"\d+\.\d{1,2}|\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MINUS_WORDS = re.compile(
    r"[-−–‑﹣－]\s?\d|minus|moins|menos|meno\b|miinus|mínus|mínusz|eksi|минус|мінус|нуля|零下|氷点下|マイナス|負|负|영하|마이너스"
    r"|تحت الصفر|سالب|ناقص|מינוס|מתחת|μείον|ลบ|âm|dưới|zera|nul\b|null|zéro|cero|zero",
)
_ARTICLE_FREE = frozenset({"1"})
# Languages that turn a sentence around, so that its numbers change places rightly.
_VERB_LAST = frozenset({
    "ja", "ko", "tr", "hi", "bn", "ta", "ur", "fa",
})  # fmt: skip
_HARMLESS = frozenset(map(str, range(1, 13)))


def match_numbers(subject: Subject) -> tuple[list[Quantity], list[Numeral]]:
    """Return the numbers of the source without a match, and those of the translation without one."""
    left = list(subject.seen.numerals)
    missing: list[Quantity] = []
    for quantity in subject.facts.quantities:
        values = quantity.values
        for index, numeral in enumerate(left):
            if values & numeral.values:
                del left[index]
                break
        else:
            missing.append(quantity)
    if missing and len(left) > 1:
        missing, left = _match_spaced(subject, missing, left)
    return missing, left


def _match_spaced(
    subject: Subject, missing: list[Quantity], left: list[Numeral]
) -> tuple[list[Quantity], list[Numeral]]:
    """Match “20 000” as one number; tried last, because “2 100 ml bottles” are two."""
    joined = join_spaced(subject.seen.folded)
    still: list[Quantity] = []
    for quantity in missing:
        hit = next((numeral for numeral in joined.values() if quantity.values & numeral.values), None)
        if hit is None:
            still.append(quantity)
        else:
            del joined[hit.start]
            left = [numeral for numeral in left if not hit.start <= numeral.start < hit.end]
    return still, left


def _excused(subject: Subject, missing: list[Quantity], extra: list[Numeral]) -> tuple[list[Quantity], list[Numeral]]:
    """Take away what language explains: small numbers in words, ordinals, articles, clock times."""
    tag = subject.language.tag
    text = subject.seen.lowered
    # A word of the translation answers to a word of the source first, then to a digit.
    spoken = Counter(CARDINALS[word] for word in subject.facts.word_list if word in CARDINALS)
    still: list[Quantity] = []
    for quantity in missing:
        if quantity.unit in (None, "h"):
            value = next(
                (v for v in quantity.values if v in _HARMLESS and count_in_words(text, tag, v) > spoken[v]), None
            )
            if value is not None:
                spoken[value] += 1
                continue
        still.append(quantity)
    words = subject.facts.word_values.copy()
    over: list[Numeral] = []
    for numeral in extra:
        value = next((v for v in numeral.values if words[v] > 0), None)
        if value is not None:
            words[value] -= value not in _ARTICLE_FREE
        elif not (subject.facts.clock and numeral.values <= {"0"}):
            over.append(numeral)
    return still, over


@check("numbers", Severity.ERROR, needs=traits.NUMBERS)
def numbers(subject: Subject) -> Iterable[str]:
    """Number lost, added or changed.

    Every number of the source has its value in the translation, read under both locales' rules and in any
    digit script; in lists and specifications also in the same order.
    False alarms: numbers from 1 to 12 without a unit may be words on either side; dates may be rewritten.
    """
    facts = subject.facts
    numerals = subject.seen.numerals
    if not numerals and not facts.quantities:
        return ()
    if max(len(numerals), len(facts.quantities)) == MOST_NUMERALS:
        wanted, found = count_digits(facts.folded), count_digits(subject.seen.folded)
        lost, more = list((wanted - found).elements()), list((found - wanted).elements())
        if lost or more:
            return (f"Of many numbers {len(lost)} are missing and {len(more)} new: {', '.join((lost + more)[:3])}.",)
        return ()
    if subject.seen.number_texts == facts.number_texts:
        return ()
    missing, extra = match_numbers(subject)
    if missing or extra:
        missing, extra = _excused(subject, missing, extra)
        missing = [quantity for quantity in missing if not is_small(quantity)]
    if missing and extra:
        return (f"{_named(q.text for q in missing)} missing; found {', '.join(n.text for n in extra)} instead.",)
    if missing:
        return (f"{_named(q.text for q in missing)} missing.",)
    if extra:
        texts = ", ".join(n.text for n in extra)
        return (
            f"The number {texts} is not in the English text."
            if len(extra) == 1
            else f"The numbers {texts} are not in the English text.",
        )
    if subject.kind in ("list", "spec", "title") and _order_changed(subject):
        here, english = ", ".join(n.text for n in numerals), ", ".join(facts.number_texts)
        return (f"The numbers stand in another order: {here}, in English {english}.",)
    return ()


def _named(texts: Iterable[str]) -> str:
    listed = list(texts)
    return f"The number {listed[0]} is" if len(listed) == 1 else f"The numbers {', '.join(listed)} are"


def is_small(quantity: Quantity) -> bool:
    """Tell whether a number can melt into the grammar: a 1 without unit, or an ordinal."""
    return quantity.unit is None and ("1" in quantity.values or quantity.ordinal)


@check("small-number", Severity.WARNING, needs=traits.NUMBERS)
def small_number(subject: Subject) -> Iterable[str]:
    """A 1 or an ordinal is gone.

    “1 pocket” may become “a pocket”; when neither the digit nor a word for it is found, it is worth a look.
    False alarms: languages without articles.
    """
    facts = subject.facts
    if not any(is_small(quantity) for quantity in facts.quantities):
        return ()
    if subject.seen.number_texts == facts.number_texts:
        return ()
    if len(facts.quantities) == MOST_NUMERALS:
        return ()
    missing, extra = match_numbers(subject)
    missing, _ = _excused(subject, missing, extra)
    return [f"The number {quantity.text} is not in the translation." for quantity in missing if is_small(quantity)]


def _order_changed(subject: Subject) -> bool:
    """Tell whether numbers of one unit stand in another order: 94 % and 6 % swapped, but also 2 and 3 pockets."""
    numerals = subject.seen.numerals
    by_unit: dict[str | None, list[Quantity]] = {}
    for quantity in subject.facts.quantities:
        by_unit.setdefault(quantity.unit, []).append(quantity)
    for unit, quantities in by_unit.items():
        # A specification may name the size before the weight, so plain numbers are compared in titles only.
        if len(quantities) < 2 or (unit is None and subject.kind == "spec"):
            continue
        position = -1
        for quantity in quantities:
            places = [index for index, numeral in enumerate(numerals) if quantity.values & numeral.values]
            if not places:
                continue
            later = [index for index in places if index > position]
            if not later:
                return True
            position = later[0]
    return False


@check("number-format", Severity.WARNING, needs=traits.NUMBERS)
def number_format(subject: Subject) -> Iterable[str]:
    """Number written the English way, or its minus lost.

    Right value, but “11.2” where the language writes “11,2”; or -5 without its minus. Only in text that is
    plainly of its language.
    False alarms: model numbers and versions; brands that keep English figures on purpose.
    """
    facts = subject.facts
    if not facts.quantities:
        return ()
    messages = []
    if (
        any(quantity.negative for quantity in facts.quantities)
        and _MINUS_WORDS.search(subject.seen.folded.casefold()) is None
    ):
        lost = next(quantity for quantity in facts.quantities if quantity.negative)
        messages.append(f"The minus of -{lost.text} is missing.")
    tag = subject.language.tag
    if base_tag(tag) in DECIMAL_COMMA and tag not in _POINT_REGIONS:
        english = [
            numeral.text
            for numeral in subject.seen.numerals
            if numeral.text in facts.number_texts and _ENGLISH_STYLE.fullmatch(numeral.text)
        ]
        if english and subject.seen.recognised:
            messages.append(
                f"{english[0]} is written the English way; {subject.language.name} writes “{_localised(english[0])}”."
            )
    return messages


def _localised(text: str) -> str:
    return text.translate({ord("."): ",", ord(","): "."})


@check("dimension-order", Severity.WARNING, needs=traits.NUMBERS)
def dimension_order(subject: Subject) -> Iterable[str]:
    """Dimensions or ranges in another order.

    “60 x 120 cm” must not become “120 x 60 cm”, “55 to 61” not “61 to 55”.
    False alarms: none known.
    """
    facts = subject.facts
    if subject.seen.number_texts != facts.number_texts and facts.dimensions:
        runs = _runs(subject.seen.numerals)
        for wanted in facts.dimensions:
            if not any(_fits(wanted, run) for run in runs) and any(
                _fits(wanted[::-1], run) or _permutes(wanted, run) for run in runs
            ):
                return (f"The measures {' x '.join(wanted)} stand in another order.",)
    if (
        subject.kind == "prose"
        and subject.language.tag not in _VERB_LAST
        and len(subject.facts.quantities) > 1
        and _order_changed_in_prose(subject)
    ):
        return ("Numbers of the same kind stand in another order than in the English text.",)
    return ()


def _runs(numerals: tuple[Numeral, ...]) -> list[tuple[Numeral, ...]]:
    """Return every row of 2 to 4 neighbouring numbers."""
    return [numerals[i : i + n] for n in (2, 3, 4) for i in range(len(numerals) - n + 1)]


def _fits(wanted: list[str], run: tuple[Numeral, ...]) -> bool:
    return len(wanted) == len(run) and all(value in numeral.values for value, numeral in zip(wanted, run, strict=True))


def _permutes(wanted: list[str], run: tuple[Numeral, ...]) -> bool:
    return len(wanted) == len(run) > 2 and any(_fits(list(order), run) for order in permutations(wanted))


def _order_changed_in_prose(subject: Subject) -> bool:
    return (
        subject.seen.number_texts != subject.facts.number_texts
        and not match_numbers(subject)[0]
        and _order_changed(subject)
    )
