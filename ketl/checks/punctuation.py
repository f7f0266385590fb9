"""Checks of punctuation and letter case: ends, local habits, brackets, repeated words, capitals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import eq

from ketl.checks import _patterns as pat
from ketl.checks import _traits as traits
from ketl.checks.autofix import fix_typography
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject
from ketl.checks.untranslated import has_language_mark

_CLASS = {
    ".": "full stop", "。": "full stop", "．": "full stop", "۔": "full stop", "।": "full stop", "॥": "full stop",
    "?": "question mark", "？": "question mark", "؟": "question mark",
    "!": "exclamation mark", "！": "exclamation mark", ":": "colon", "：": "colon", "…": "ellipsis",
}  # fmt: skip
_CLOSERS = "\"'”’»)）」』】]› \u00a0\u202f"


def _end_class(text: str, tag: str) -> str:
    text = pat.EMOTICON.sub("", text).rstrip(_CLOSERS)
    if text.endswith(("...", "……")):
        return "ellipsis"
    if tag == "el" and text.endswith((";", "\u037e")):
        return "question mark"
    return _CLASS.get(text[-1:], "no mark")


@check("end-punctuation", Severity.INFO)
def end_punctuation(subject: Subject) -> Iterable[str]:
    """Ends with another mark.

    Full stop, question, exclamation mark, colon or none as in the source, in the script's own form. Only in
    text that is plainly of its language.
    False alarms: Thai has no full stop; a joke may turn a statement into a question.
    """
    source, text = subject.source.rstrip(), subject.translation.rstrip()
    if not source or not text or (source[-1] == text[-1]) or subject.language.tag == "th":
        return ()
    if source[-1].isalnum() and text[-1].isalnum():
        return ()
    wanted, found = _end_class(source, "en"), _end_class(text, subject.language.tag)
    if wanted == found or not subject.seen.recognised or has_language_mark(subject):
        return ()
    return (f"The translation ends with {_an(found)}, the English text with {_an(wanted)}.",)


def _an(mark: str) -> str:
    return mark if mark == "no mark" else f"an {mark}" if mark[0] in "aeiou" else f"a {mark}"


@check("typography", Severity.INFO)
def typography(subject: Subject) -> Iterable[str]:
    """Not set as the language sets it.

    French spaces before ; : ! ?, Spanish ¿ and ¡, no space before marks elsewhere. Can be mended
    automatically; only raised in text that is plainly of its language.
    False alarms: houses that set French without these spaces.
    """
    mended = fix_typography(subject.translation, subject.language, subject.source)
    if mended == subject.translation or not subject.seen.recognised:
        return ()
    return (f"{subject.language.name} would be set as “{mended if len(mended) <= 60 else mended[:60] + '…'}”.",)


_KINDS = {
    "(": "()",
    "（": "()",
    ")": ")(",
    "）": ")(",
    "[": "[]",
    "]": "][",
    "【": "[]",
    "】": "][",
    "{": "{}",
    "}": "}{",
}
_BRACKET = re.compile(r"[()（）\[\]【】{}]")
_ENUMERATED = re.compile(r"^\s*\w{1,2}\)", re.MULTILINE)


def _balance(text: str) -> tuple[int, int]:
    """Return how many brackets open and how many close."""
    opened = closed = 0
    for char in _BRACKET.findall(text):
        if _KINDS[char] in ("()", "[]", "{}"):
            opened += 1
        else:
            closed += 1
    return opened, closed


@check("brackets", Severity.WARNING, needs=traits.PAIRS)
def brackets(subject: Subject) -> Iterable[str]:
    """Bracket or quotation mark without its partner.

    Brackets are balanced and as many as in the source, in any shape; straight quotation marks come in
    pairs. More brackets than in the source are let pass.
    False alarms: inch marks and emoticons are not counted.
    """
    source, text = subject.source, subject.translation
    messages = []
    if _BRACKET.search(text) or _BRACKET.search(source):
        clean = _ENUMERATED.sub(" ", pat.EMOTICON.sub("", text)) if ")" in text else text
        wanted_open, wanted_closed = _balance(_ENUMERATED.sub(" ", pat.EMOTICON.sub("", source)))
        opened, closed = _balance(clean)
        if opened != closed and wanted_open == wanted_closed:
            messages.append("A bracket has no partner.")
        elif opened < wanted_open and not any(mark in text for mark in "「『〈《〔«"):
            messages.append(f"{wanted_open - opened} pair of brackets is missing.")
    if '"' in text:
        quotes = len(re.findall(r'(?<!\d)"', text))
        if quotes % 2 and len(re.findall(r'(?<!\d)"', source)) % 2 == 0 and text.count('"') % 2:
            messages.append("A quotation mark has no partner.")
    return messages


_CASED = frozenset({"Latn", "Cyrl", "Grek"})
_REPEATED = re.compile(r"(?<![\w'’-])([^\W\d_]{2,})\s+\1(?![\w'’-])", re.IGNORECASE)
_REDUPLICATES = frozenset({
    "id", "ms", "fil", "vi", "hi", "bn", "ta", "tr", "th", "ur", "fa",
})  # fmt: skip
# “die, die” with the comma left out, “vous vous” and the like are grammar.
_RIGHTLY_TWICE = frozenset({
    "die", "der", "das", "den", "dem", "dat", "je", "nous", "vous", "che", "se", "si", "van", "sie", "ihr", "ist",
    "että", "on", "of", "piano", "via", "poco", "moko",
})  # fmt: skip


@check("repeated-word", Severity.INFO)
def repeated_word(subject: Subject) -> Iterable[str]:
    """Same word twice running.

    False alarms: languages that double words on purpose are left alone, as are grammatical doubles.
    """
    words = subject.seen.word_list
    if len(words) == len(subject.seen.words) or not any(map(eq, words, words[1:])):
        return ()
    if subject.language.tag in _REDUPLICATES:
        return ()
    found = _REPEATED.search(subject.translation)
    if found is None or found[1].casefold() in _RIGHTLY_TWICE or _REPEATED.search(subject.source):
        return ()
    if subject.language.script not in _CASED and not subject.seen.recognised:
        return ()
    return (f"“{found[1]}” stands twice running.",)


@check("capitals", Severity.INFO)
def capitals(subject: Subject) -> Iterable[str]:
    """All capitals.

    A title or option in capitals although the English one is not.
    False alarms: texts of codes only.
    """
    if (
        subject.kind not in ("title", "option")
        or subject.language.script not in _CASED
        or not subject.translation.isupper()
        or subject.source.isupper()
    ):
        return ()
    letters = [word for word in pat.WORD.findall(subject.translation) if word not in subject.source]
    if sum(map(len, letters)) < 4:
        return ()
    return ("The translation is written in capitals only.",)
