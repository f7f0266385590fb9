"""Checks of letters: the target's script, no letters of a third one, no look-alikes, no garbled bytes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject

# Letters by script. Marks and signs that all scripts share (ª º µ ー ・) belong to none.
_RANGES = {
    "Latin": "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0250-\u02af\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff"
    "\uff21-\uff3a\uff41-\uff5a",
    "Greek": "\u0370-\u0373\u0376-\u037d\u0386\u0388-\u03a8\u03aa-\u03bb\u03bd-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u0481\u048a-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f",
    "Armenian": "\u0531-\u0587",
    "Hebrew": "\u05d0-\u05f2\ufb1d-\ufb4f",
    "Arabic": "\u0620-\u063f\u0641-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff"
    "\ufe70-\ufefc",
    "Devanagari": "\u0904-\u0939\u0958-\u0963\u0971-\u097f",
    "Bengali": "\u0985-\u09b9\u09dc-\u09e1",
    "Gurmukhi": "\u0a05-\u0a5e",
    "Gujarati": "\u0a85-\u0ab9",
    "Tamil": "\u0b83-\u0bb9",
    "Telugu": "\u0c05-\u0c61",
    "Kannada": "\u0c85-\u0ce1",
    "Malayalam": "\u0d05-\u0d61",
    "Sinhala": "\u0d85-\u0dc6",
    "Thai": "\u0e01-\u0e30\u0e32-\u0e33\u0e40-\u0e46",
    "Lao": "\u0e81-\u0ec6",
    "Tibetan": "\u0f40-\u0f6c",
    "Myanmar": "\u1000-\u102a",
    "Georgian": "\u10a0-\u10ff\u1c90-\u1cbf",
    "Hangul": "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb",
    "Ethiopic": "\u1200-\u135a",
    "Khmer": "\u1780-\u17b3",
    "Mongolian": "\u1820-\u1878",
    "Hiragana": "\u3041-\u3096\u309d-\u309f",
    "Katakana": "\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff6f\uff71-\uff9d",
    "Bopomofo": "\u3105-\u312f",
    "Han": "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
}
_OF_LANGUAGE = {
    "Latn": ("Latin",), "Cyrl": ("Cyrillic",), "Grek": ("Greek",), "Arab": ("Arabic",), "Hebr": ("Hebrew",),
    "Deva": ("Devanagari",), "Beng": ("Bengali",), "Taml": ("Tamil",), "Thai": ("Thai",),
    "Jpan": ("Hiragana", "Katakana", "Han"), "Hans": ("Han",), "Hant": ("Han",), "Kore": ("Hangul", "Han"),
}  # fmt: skip
# Serbian shops write both alphabets.
_ALSO = {"sr": ("Latin",)}
# How many Latin letters one letter of a dense script stands for in the share.
_WEIGHT = {"Hans": 2.5, "Hant": 2.5, "Jpan": 2.0, "Kore": 2.0}
_NAMES = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Arab": "Arabic", "Hebr": "Hebrew", "Deva": "Devanagari",
    "Beng": "Bengali", "Taml": "Tamil", "Thai": "Thai", "Jpan": "Japanese", "Hans": "Chinese", "Hant": "Chinese",
    "Kore": "Korean",
}  # fmt: skip
_LATIN_WORD = re.compile(f"[{_RANGES['Latin']}]+(?:['’-][{_RANGES['Latin']}]+)*")
_ALL_LETTERS = "".join(_RANGES.values())


@lru_cache(maxsize=64)
def _patterns(tag: str, script: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns for the letters of the target, and for letters that are neither Latin nor the target's."""
    own = _OF_LANGUAGE[script] + _ALSO.get(tag, ())
    mine = "".join(_RANGES[name] for name in own)
    third = "".join(letters for name, letters in _RANGES.items() if name not in own and name != "Latin")
    return re.compile(f"[{mine}]"), re.compile(f"[{third}]+")


# What cp1252 makes of the bytes 80 to BF: marks, and a few letters that are also written on purpose.
_MARKS = (
    "\u0080-\u009f\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf"
    "\u20ac\u201a\u201e\u2020\u2021\u02c6\u2030\u2039\u2018\u2019\u201c\u201d\u2022\u02dc\u2122"
)
_CP1252 = _MARKS + "\u00a0\u00ab\u00bb\u0192\u2026\u2013\u2014\u203a\u0160\u0161\u0152\u0153\u017d\u017e\u0178"
_MOJIBAKE = re.compile(
    # In capitals “Ã” is Portuguese and may stand before a space or a closing quote.
    f"Ã[\u0080-\u009f\u00a1-\u00ba\u00bc-\u00bf\u0192\u2020\u2021\u02c6\u2030\u2122]|(?<![A-ZÀ-Þ])Ã[{_CP1252} ]"
    f"|Â[\u00a0-\u00ba\u00bc-\u00bf]|â€|â„¢|ï»¿|ï¿½|(?:[ÐÑ][{_CP1252}]){{2,}}|(?:[àáâãäåæçèéêëìíØÙÚÛ][{_MARKS}]){{2,}}"
    # Polish and Czech: a capital Å, Ä or Ã inside a small word.
    f"|(?<=[a-zà-ÿ])[ÄÅ][{_CP1252}]|[ÄÅ][{_MARKS}\u2026](?=[a-zà-ÿ])"
    f"|[åæçèéêëìíãä][{_MARKS}][{_CP1252}](?<![“”„…]{{2}})|[åæçèéêëìíãä][\u0161\u0153\u017e\u0192][{_MARKS}]"
    "|ã[\u201a\u0192\u2020\u2021\u02c6\u2030\u0152\u017d]"
    f"|(?:[РС][\u0080-\u00bf\u0402-\u040f\u0452-\u045f{_MARKS}]){{3,}}|[\ufffd\ue000-\uf8ff\ud800-\udfff\ufffe\uffff]"
)


# A quick look for what every pattern above needs.
_SUSPECT = re.compile(f"[ÃÂâïÐÑàáãäåæçèéêëìíØÙÚÛÄÅРС][{_CP1252}\u0402-\u040f\u0452-\u045f ]")
_NEVER = re.compile("[\ufffd\ue000-\uf8ff\ud800-\udfff\ufffe\uffff]")


@check("mojibake", Severity.ERROR)
def mojibake(subject: Subject) -> Iterable[str]:
    """Garbled characters.

    Text decoded wrongly (“Ã©”, “â€™”), replacement characters, private-use or unassigned characters.
    False alarms: none known.
    """
    if subject.seen.ascii or (
        _SUSPECT.search(subject.translation) is None and _NEVER.search(subject.translation) is None
    ):
        return ()
    found = _MOJIBAKE.search(subject.translation)
    if found is not None and found[0] not in subject.source:
        return (
            f"The text has garbled characters: “{subject.translation[max(0, found.start() - 5) : found.end() + 5]}”.",
        )
    return ()


_MIXED = re.compile(
    f"(?:[A-Za-z\u00c0-\u024f]+[{_RANGES['Cyrillic']}{_RANGES['Greek']}]|[{_RANGES['Cyrillic']}{_RANGES['Greek']}]+[A-Za-z\u00c0-\u024f])"
    f"[A-Za-z\u00c0-\u024f{_RANGES['Cyrillic']}{_RANGES['Greek']}]*"
)
_NON_LATIN_LIKE = re.compile(f"[{_RANGES['Cyrillic']}{_RANGES['Greek']}]")
_LOOKALIKES = frozenset("аеорсухіјѕԁһАВЕЅІЈКМНОРСТХУοανρτυικΑΒΕΖΗΙΚΜΝΟΡΤΥΧaeopcyxijsdhABESIJKMHOPCTXYuvnkZN")


def _mixed_words(subject: Subject) -> list[str]:
    """Return words that mix Latin with look-alike Cyrillic or Greek letters."""
    if _NON_LATIN_LIKE.search(subject.translation) is None:
        return []
    words = []
    for found in _MIXED.finditer(subject.translation):
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


@check("homoglyphs", Severity.ERROR)
def homoglyphs(subject: Subject) -> Iterable[str]:
    """Look-alike letter of another alphabet.

    A Cyrillic or Greek letter inside a Latin word, or the reverse: it looks right and cannot be searched.
    False alarms: brand stylings on purpose.
    """
    if subject.seen.ascii:
        return ()
    return [f"“{word}” mixes letters of two alphabets that look alike." for word in _mixed_words(subject)[:3]]


@check("third-script", Severity.ERROR)
def third_script(subject: Subject) -> Iterable[str]:
    """Letters of a third script.

    A word in a script that is neither Latin, nor the target's, nor in the source.
    False alarms: none known; µ and similar signs count as no script.
    """
    if subject.seen.ascii:
        return ()
    _, third = _patterns(subject.language.tag, subject.language.script)
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
    False alarms: unprotected brand names in short texts.
    """
    language = subject.language
    own, third = _patterns(language.tag, language.script)
    text = subject.seen.folded
    if language.script == "Latn":
        if subject.seen.ascii:
            return ()
        strange = sum(map(len, third.findall(text)))
        if not strange:
            return ()
        letters = len(own.findall(text))
        return (_share_message(subject, letters / (letters + strange)),) if strange * 2 > letters * 3 else ()
    if not subject.facts.letters:
        return ()
    weighed = len(own.findall(text)) * _WEIGHT.get(language.script, 1.0)
    for term in subject.terms:
        if term.do_not_translate:
            text = text.replace(term.term, " ")
    if "Latin" in _OF_LANGUAGE[language.script] + _ALSO.get(language.tag, ()):
        return ()
    latin = 0
    source_words = subject.facts.words
    for word in _LATIN_WORD.findall(text):
        if len(word) <= 2 or word.isupper():
            continue
        # A name in a title may stay in Latin letters when the rest is translated.
        if weighed and subject.kind == "title" and word[0].isupper() and word.casefold() in source_words:
            continue
        if any(char.isupper() for char in word[1:]) or _is_unit(word):
            continue
        latin += len(word)
    strange = latin + sum(map(len, third.findall(text)))
    if not strange or weighed >= strange * 1.5:
        return ()
    return (_share_message(subject, weighed / (weighed + strange)),)


_UNIT_WORDS = frozenset({
    "gsm", "lbs", "max", "min", "cm", "mm", "km", "kg", "oz", "psi", "mah", "www", "http", "https", "com",
})  # fmt: skip


def _is_unit(word: str) -> bool:
    return word.casefold() in _UNIT_WORDS


def _share_message(subject: Subject, share: float) -> str:
    name = _NAMES.get(subject.language.script, subject.language.name)
    return f"Only {share:.0%} of the letters are {name}." if share else f"The text is not in {name} letters."
