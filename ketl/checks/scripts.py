"""Checks of letters: the target's script, no letters of a third one, no look-alikes, no garbled bytes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ketl.checks import _patterns as pat
from ketl.checks import _traits as traits
from ketl.checks._alphabets import ALSO, RANGES, UNASSIGNED, letter_patterns
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject
from ketl.checks.untranslated import has_language_mark

# How many Latin letters one letter of a dense script stands for in the share.
_WEIGHT = {"Hans": 2.5, "Hant": 2.5, "Jpan": 2.0, "Kore": 2.0}
_NAMES = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Arab": "Arabic", "Hebr": "Hebrew", "Deva": "Devanagari",
    "Beng": "Bengali", "Taml": "Tamil", "Thai": "Thai", "Jpan": "Japanese", "Hans": "Chinese", "Hant": "Chinese",
    "Kore": "Korean",
}  # fmt: skip
_BASIC_LATIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LATIN = _BASIC_LATIN | frozenset(map(chr, range(0xC0, 0x250))) - {"×", "÷"}
_LATIN_WORD = re.compile(f"[{RANGES['Latin']}]+(?:['’-][{RANGES['Latin']}]+)*")

# What cp1252 makes of the bytes 80 to BF: marks, and a few letters that are also written on purpose.
_MARKS = (
    "\u0080-\u009f\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf"
    "\u20ac\u201a\u201e\u2020\u2021\u02c6\u2030\u2039\u2018\u2019\u201c\u201d\u2022\u02dc\u2122"
)
_CP1252 = _MARKS + "\u00a0\u00ab\u00bb\u0192\u2026\u2013\u2014\u203a\u0160\u0161\u0152\u0153\u017d\u017e\u0178"
_MOJIBAKE = (
    # In capitals “Ã” is Portuguese and may stand before a space or a closing quote.
    f"Ã[\u0080-\u009f\u00a1-\u00ba\u00bc-\u00bf\u0192\u2020\u2021\u02c6\u2030\u2122]|(?<![A-ZÀ-Þ])Ã[{_CP1252} ]"
    f"|Â[\u00a0-\u00ba\u00bc-\u00bf]|â€|â„¢|ï»¿|ï¿½|(?:[ÐÑ][{_CP1252}]){{2,}}|(?:[àáâãäåæçèéêëìíØÙÚÛ][{_MARKS}]){{2,}}"
    # Polish and Czech: a capital Å, Ä or Ã inside a small word.
    f"|[Â-ÿ][\u0080-\u009f]|[ÄÅ][\u0160\u0161\u0152\u0153\u017d\u017e\u0178\u0192]|(?<=[a-zà-ÿ])[ÄÅ][{_CP1252}]|[ÄÅ][{_MARKS}\u2026](?=[a-zà-ÿ])"
    f"|[åæçèéêëìíãä][{_MARKS}][{_CP1252}](?<![“”„…]{{2}})|[åæçèéêëìíãä][\u0161\u0153\u017e\u0192][{_MARKS}]"
    "|ã[\u201a\u0192\u2020\u2021\u02c6\u2030\u0152\u017d]"
    f"|(?:[РС][\u0080-\u00bf\u0402-\u040f\u0452-\u045f{_MARKS}]){{3,}}|[\ufffd\ue000-\uf8ff\ud800-\udfff\ufffe\uffff]"
)


# A quick look for what every pattern above needs.
_SUSPECT = re.compile(f"[ÂâïÐÑàáãäåæçèéêëìíØÙÚÛÄÅРС][{_CP1252}\u0402-\u040f\u0452-\u045f]|Ã|{UNASSIGNED.pattern}")


@check("mojibake", Severity.ERROR, needs=traits.GARBLED | traits.STRANGE)
def mojibake(subject: Subject) -> Iterable[str]:
    """Garbled characters.

    Text decoded wrongly (“Ã©”, “â€™”), replacement characters, private-use or unassigned characters.
    False alarms: none known.
    """
    if _SUSPECT.search(subject.translation) is None:
        return ()
    found = pat.late(_MOJIBAKE, 0).search(subject.translation)
    if found is not None and found[0] not in subject.source:
        return (
            f"The text has garbled characters: “{subject.translation[max(0, found.start() - 5) : found.end() + 5]}”.",
        )
    return ()


_MIXED = (
    f"(?:[A-Za-z\u00c0-\u024f]+[{RANGES['Cyrillic']}{RANGES['Greek']}]|[{RANGES['Cyrillic']}{RANGES['Greek']}]+[A-Za-z\u00c0-\u024f])"
    f"[A-Za-z\u00c0-\u024f{RANGES['Cyrillic']}{RANGES['Greek']}]*"
)
_NON_LATIN_LIKE = re.compile(f"[{RANGES['Cyrillic']}{RANGES['Greek']}]")
_LOOKALIKES = frozenset("аеорсухіјѕԁһАВЕЅІЈКМНОРСТХУοανρτυικΑΒΕΖΗΙΚΜΝΟΡΤΥΧaeopcyxijsdhABESIJKMHOPCTXYuvnkZN")


def _mixed_words(subject: Subject) -> list[str]:
    """Return words that mix Latin with look-alike Cyrillic or Greek letters."""
    if _NON_LATIN_LIKE.search(subject.translation) is None:
        return []
    words = []
    for found in pat.late(_MIXED, 0).finditer(subject.translation):
        word = found[0]
        other = _NON_LATIN_LIKE.findall(word)
        latin = [char for char in word if char not in other]
        fewer = other if len(other) <= len(latin) else latin
        if (
            set(fewer) <= _LOOKALIKES
            and word not in subject.source
            and not _is_name_with_ending("".join(latin), word, subject)
        ):
            words.append(word)
    return words


def _is_name_with_ending(latin: str, word: str, subject: Subject) -> bool:
    """Allow a Latin name or code glued to an ending or a word: all its letters in one run, known from the source."""
    return len(latin) >= 2 and latin in word and latin in subject.source


@check("homoglyphs", Severity.ERROR, needs=traits.MIXED | traits.STRANGE)
def homoglyphs(subject: Subject) -> Iterable[str]:
    """Look-alike letter of another alphabet.

    A Cyrillic or Greek letter inside a Latin word, or the reverse: it looks right and cannot be searched.
    False alarms: brand stylings on purpose.
    """
    return [f"“{word}” mixes letters of two alphabets that look alike." for word in _mixed_words(subject)[:3]]


@check("third-script", Severity.ERROR, needs=traits.STRANGE)
def third_script(subject: Subject) -> Iterable[str]:
    """Letters of a third script.

    A word in a script that is neither Latin, nor the target's, nor in the source.
    False alarms: none known; µ and similar signs count as no script.
    """
    _, third = letter_patterns(subject.language.tag, subject.language.script)
    strange = [found for found in third.findall(subject.translation) if found not in subject.source]
    if not strange or _mixes_latin(strange, subject):
        return ()
    name = unicodedata.name(strange[0][0], "unknown letters").split()[0].replace("CJK", "Chinese").capitalize()
    return (f"“{strange[0][:20]}” is written in {name} letters.",)


def _mixes_latin(strange: list[str], subject: Subject) -> bool:
    """Tell whether the strange letters are look-alikes inside words: then the check "homoglyphs" speaks."""
    inside = {letter for word in _mixed_words(subject) for letter in word}
    return all(set(run) <= inside for run in strange)


@check("script", Severity.ERROR)
def script(subject: Subject) -> Iterable[str]:
    """Wrong script.

    Under 60 % of the letters are of the target's script, protected names, codes, units and capitals aside.
    False alarms: unprotected brand names in short texts. A demo text that marks the source with its language
    (“[ja] …”) is not judged.
    """
    language = subject.language
    strange = 0
    if subject.traits & traits.STRANGE:
        strange = sum(map(len, letter_patterns(language.tag, language.script)[1].findall(subject.seen.folded)))
    if language.script != "Latn":
        if not subject.facts.word_list or "Latin" in ALSO.get(language.tag, ()):
            return ()
        strange += _latin_letters(subject)
    if not strange:
        return ()
    own = len(letter_patterns(language.tag, language.script)[0].findall(subject.seen.folded))
    weighed = own * _WEIGHT.get(language.script, 1.0)
    enough = strange * (2 / 3 if language.script == "Latn" else 1.5)
    if weighed >= enough or has_language_mark(subject):
        return ()
    return (_share_message(subject, weighed / (weighed + strange)),)


def _latin_letters(subject: Subject) -> int:
    """Return how many letters of the translation stand in Latin words that the target would write its own way."""
    if subject.seen.chars.isdisjoint(_LATIN):
        return 0
    text, title = subject.seen.folded, subject.kind == "title"
    for term in subject.terms:
        if term.do_not_translate:
            text = text.replace(term.term, " ")
    count = 0
    for word in _LATIN_WORD.findall(text):
        # Accented letters are neither codes nor units; garbled text is full of them.
        if word.isascii() and (
            len(word) <= 2 or word.isupper() or any(map(str.isupper, word[1:])) or word.casefold() in _UNIT_WORDS
        ):
            continue
        # A name in a title may stay in Latin letters when the rest is translated.
        if title and word[0].isupper() and word.casefold() in subject.facts.words and _has_own(subject):
            continue
        count += len(word)
    return count


def _has_own(subject: Subject) -> bool:
    language = subject.language
    return letter_patterns(language.tag, language.script)[0].search(subject.seen.folded) is not None


_UNIT_WORDS = frozenset({
    "gsm", "lbs", "max", "min", "cm", "mm", "km", "kg", "oz", "psi", "mah", "www", "http", "https", "com",
})  # fmt: skip


_LATIN_RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,}(?:['’ -]+[A-Za-z]{2,})+")


@check("latin-words", Severity.WARNING)
def latin_words(subject: Subject) -> Iterable[str]:
    """Words of its own in Latin letters.

    In a target with another script: several Latin words in a row that the English text and its terms do not
    have, such as a note or an error text that the model left.
    False alarms: a brand that the model adds by itself; a demo text marked with its language is not judged.
    """
    if subject.language.script == "Latn" or subject.language.tag in ALSO:
        return ()
    if subject.seen.chars.isdisjoint(_BASIC_LATIN):
        return ()
    known = subject.facts.words
    for run in _LATIN_RUN.findall(subject.seen.folded):
        own = [word for word in pat.WORD.findall(run.casefold()) if word not in known and word not in _UNIT_WORDS]
        if len(own) >= 2 and not _is_term(run.casefold(), subject) and not has_language_mark(subject):
            return (f"“{run}” is not in the English text and not translated.",)
    return ()


def _is_term(run: str, subject: Subject) -> bool:
    return any(run in rendering.casefold() for term in subject.terms for rendering in (term.term, *term.renderings))


def _share_message(subject: Subject, share: float) -> str:
    name = _NAMES.get(subject.language.script, subject.language.name)
    return f"Only {share:.0%} of the letters are {name}." if share else f"The text is not in {name} letters."
