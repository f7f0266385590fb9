"""The automatic fixes that cannot do harm: composed letters, invisible characters, spaces, local typography."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from ketl.checks._alphabets import COMPOSING
from ketl.checks._function_words import base_tag, count_function_words
from ketl.checks._patterns import WORD, late
from ketl.checks.whitespace import unwanted_invisibles
from ketl.language.languages import Language

QUOTE_PAIRS = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』", "‘": "’", "'": "'", "`": "`"}
_FENCE = re.compile(r"```[a-z]*\n?(?P<code>.*?)\n?```|\*\*(?P<bold>[^*]+)\*\*", re.DOTALL)
_PREAMBLE = (
    r"(?:(?:sure|certainly|of course|okay)\b[!,.]?\s*)?(?:here(?:’|')?s|here is) (?:the |your |a )?(?:[a-z]+ ){0,2}"
    r"(?:translation|translated text|version|text)(?: in [a-z]+| \([a-z ]+\))?\s*[:：]\s*"
    r"|(?:translation|translated text|traducción|traduction|übersetzung|traduzione|tradução|vertaling|tłumaczenie"
    r"|перевод|翻訳|翻译|翻譯|译文|번역|الترجمة)\s*[:：]\s*"
)
_WRAPPERS = frozenset(QUOTE_PAIRS) | frozenset("* \n")
_MOST_WRAPPERS = 8  # one within another; an answer of nothing but marks is left as it is
_CONTROL_RUN = re.compile("(?<![\u00a0-\u00ff\u0080-\u009f])[\u0080-\u009f]+")
_HALVES = dict.fromkeys(map(chr, range(0x80, 0xA0)), _CONTROL_RUN) | {
    "\u00ad": re.compile("(?<![ÂÃÐÑØÙÄÅ\u00ad])\u00ad+")
}
_DOUBLE = re.compile(r"(?<=[^\s]) {2,}(?=[^\s])")
_MARKUP = re.compile(
    r"<[^<>]*>|\{\{?[^{}]*\}\}?|\[\[[^\[\]]*\]\]|https?://\S+|www\.\S+|\S+@\S+\.\w+|[:;=8][-^']?[)(DPp/|]|\d+:\d+|&#?\w+;"
)
_FRENCH_MARK = re.compile(r"(?<=[^\s\u00a0\u202f;:!?(«])[ \u00a0\u202f]?([;:!?]+)(?=[\s\u00a0\u202f»\"”)]|$)")
_SPACE_BEFORE = re.compile(r"(?<=[^\W_]) +([,;:!?]|\.(?!\.|\d))(?=\s|$)")
_SPACE_AND_MARK = re.compile(r" [,;:!?.]")
# Without one of these there is nothing to set.
_SPACED_MARKS = (" ,", " .", ":", ";", "!", "?")
_NO_SPACE_BEFORE = frozenset({
    "de", "es", "it", "pt", "nl", "pl", "ru", "uk", "sv", "da", "nb", "fi", "cs", "sk", "sl", "hr", "hu", "ro",
    "tr", "ca", "el", "bg", "sr", "is", "lt", "lv", "et",
})  # fmt: skip
_SPANISH_SENTENCE = re.compile(r"(?:(?<=[.!?…]\s)|^)([^.!?…¿¡\n]+)([!?])")
_SPANISH_OPENERS = {"!": "¡", "?": "¿"}


def autofix(text: str, language: Language, source: str) -> str:
    """Return `text` with everything mended that can be mended safely; mending twice changes nothing more."""
    text = tidy(text, language, source)
    bare = unwrap(text, source)
    if bare is not text:
        text = tidy(bare, language, source)
    return fix_typography(text, language, source)


def unwrap(text: str, source: str) -> str:
    """Return `text` without what a model wraps around a translation and the source does not have.

    A code fence, bold marks or quotation marks around the whole; “Translation:” or “Here is the translation:”
    before it.
    """
    for _ in range(_MOST_WRAPPERS):
        if text[:1] not in _WRAPPERS and not ((":" in text or "：" in text) and late(_PREAMBLE).match(text)):
            break
        inner = text.strip()
        if "```" not in source and "**" not in source and (fenced := _FENCE.fullmatch(inner)):
            bare = (fenced["code"] or fenced["bold"] or "").strip()
        elif is_quoted(inner, source):
            bare = inner[1:-1].strip()
        elif (said := late(_PREAMBLE).match(inner)) and not late(_PREAMBLE).match(source.strip()):
            bare = inner[said.end() :].strip()
        else:
            break
        if not bare:
            break
        text = bare
    return text


def is_quoted(text: str, source: str) -> bool:
    """Tell whether one pair of quotation marks stands around all of the text and not around the source."""
    closing = QUOTE_PAIRS.get(text[:1])
    return (
        closing is not None
        and len(text) > 2
        and text[-1] in closing
        and text[0] not in text[1:-1]
        and text[-1] not in text[1:-1]
        and source.lstrip()[:1] not in QUOTE_PAIRS
    )


def tidy(text: str, language: Language, source: str) -> str:
    """Return `text` in NFC, without unwanted invisible characters, double and outer spaces.

    The outer spaces of the source are given back; no letter and no visible mark is touched.
    """
    composing = language.script in COMPOSING
    if composing:
        text = unicodedata.normalize("NFC", text)
    found = unwanted_invisibles(text, language.tag, language.direction == "rtl")
    for char in found:
        if char not in source:
            # After some letters it is half of a garbled character: without it nobody would see the damage.
            text = _HALVES[char].sub("", text) if char in _HALVES else text.replace(char, "")
    if "  " in text and "  " not in source:
        text = _DOUBLE.sub(" ", text)
    inner = text.strip()
    if not inner:
        return text
    start = source[: len(source) - len(source.lstrip())]
    end = source[len(source.rstrip()) :] if source.strip() else ""
    fixed = f"{start}{inner}{end}"
    # Taking a character away can bring two pieces together that compose.
    return unicodedata.normalize("NFC", fixed) if composing else fixed


def fix_typography(text: str, language: Language, source: str) -> str:
    """Return `text` with the language's own spaces and opening marks; markup, addresses and times are left alone.

    French spaces and Spanish opening marks are set only in text that is plainly of its language.
    """
    for mark in _SPACED_MARKS:
        if mark in text:
            break
    else:
        return text
    base = base_tag(language.tag)
    if base not in _NO_SPACE_BEFORE and base != "fr":
        return text
    if base == "fr" and language.tag != "fr-CA":
        return _outside_markup(text, _space_french) if _FRENCH_MARK.search(text) and _is_plain(text, base) else text
    # A space before a mark that the source has too is a matter of the text, not of the language.
    if _SPACE_AND_MARK.search(text) and _SPACE_BEFORE.search(text) and not _SPACE_BEFORE.search(source):
        text = _outside_markup(text, lambda part: _SPACE_BEFORE.sub(r"\1", part))
    if base == "es" and ("!" in text or "?" in text) and _is_plain(text, base):
        text = _outside_markup(text, _open_spanish)
    return text


def _is_plain(text: str, tag: str) -> bool:
    """Tell whether the text is plainly of its language: names, codes and demo texts are not respaced."""
    return count_function_words(text, frozenset(WORD.findall(text.casefold())), tag) >= 2


def _space_french(text: str) -> str:
    return _FRENCH_MARK.sub("\u202f\\1", text)


def _open_spanish(text: str) -> str:
    def open_sentence(found: re.Match[str]) -> str:
        sentence, mark = found[1], found[2]
        bare = sentence.lstrip(" \u00a0\"'«“(—–-")
        if (
            not bare
            or not bare[0].isalpha()
            or _SPANISH_OPENERS[mark] in text[: found.start()][-200:].rpartition(mark)[2]
        ):
            return found[0]
        lead = sentence[: len(sentence) - len(bare)]
        return f"{lead}{_SPANISH_OPENERS[mark]}{bare}{mark}"

    return _SPANISH_SENTENCE.sub(open_sentence, text)


def _outside_markup(text: str, fix: Callable[[str], str]) -> str:
    if _MARKUP.search(text) is None:
        return fix(text)
    pieces: list[str] = []
    position = 0
    for found in _MARKUP.finditer(text):
        pieces += [fix(text[position : found.start()]), found[0]]
        position = found.end()
    return "".join([*pieces, fix(text[position:])])
