"""Pseudo-localises any text in the target's script and marks it as demo text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from ketl.errors import SelectionError
from ketl.language.languages import find_language
from ketl.simulator.alphabets import known_script, write_word

DEMO_MARK = " ·demo·"
"""The mark at the end of every pseudo-localised text in a Latin language; see `demo_mark` for the others."""

# The mark is written in the target's letters: in a one-word Japanese colour, four Latin letters would be most
# of the text and look like the wrong script.
_MARK_WORDS: Mapping[str, str] = {
    "Cyrl": "демо", "Grek": "ντέμο", "Arab": "تجريبي", "Hebr": "הדגמה", "Deva": "डेमो", "Beng": "ডেমো",
    "Taml": "டெமோ", "Thai": "เดโม", "Kore": "데모", "Jpan": "デモ", "Hans": "演示", "Hant": "演示",
    "Geor": "დემო", "Armn": "դեմո",
}  # fmt: skip
_ANY_MARK = re.compile("·(?:demo|" + "|".join(dict.fromkeys(_MARK_WORDS.values())) + ")·")
_UNSPACED = frozenset(("Jpan", "Hans", "Hant"))
_LOCAL_SIGNS: Mapping[str, Mapping[str, str]] = {
    "Jpan": {". ": "。", ", ": "、"},
    "Hans": {". ": "。", ", ": "，"},
    "Hant": {". ": "。", ", ": "，"},
    "Arab": {", ": "، ", "?": "؟", ";": "؛"},
}
_LOCAL_ENDS: Mapping[str, Mapping[str, str]] = {
    "Jpan": {".": "。", "?": "？", "!": "！"},
    "Hans": {".": "。", "?": "？", "!": "！"},
    "Hant": {".": "。", "?": "？", "!": "！"},
    "Deva": {".": "।"},
    "Beng": {".": "।"},
    "Arab": {"?": "؟"},
}

_UNITS = (
    r"(?:%(?![A-Za-z(])|°[CF]?|″|′|\"|'(?![A-Za-z])|(?:gsm|g/m²|g/m2|oz|lbs?|kg|mg|g|ml|cl|dl|l|L|mm|cm|km|m"
    r"|ft|in|yd|inch(?:es)?|denier|D|K|mph|kph|km/h|psi|hrs?|h|min|s|USD|EUR|GBP|W|V|mAh|Hz)(?![A-Za-z]))"
)
_AMOUNT = rf"(?:[$€£¥₩₹]\s?)?\d+(?:[.,:/]\d+)*\+?(?:[ \u00a0]?{_UNITS})?"
_KEEP = (
    r"⟦[^⟦⟧]*⟧"
    r"|https?://\S+?(?=[.,;:!?)\]]*(?:\s|$))|www\.\S+?(?=[.,;:!?)\]]*(?:\s|$))"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|<!--.*?-->|</?[A-Za-z][^<>]*>"
    r"|&(?:[A-Za-z][A-Za-z0-9]*|#\d+|#x[0-9A-Fa-f]+);"
    r"|\$\{[^{}]*\}|\{\{[^{}]*\}\}|\{[^{}]*\}"
    r"|%\([A-Za-z_]\w*\)[sdif]|%(?:\d+\$)?(?:\.\d+)?[sdif@](?![A-Za-z])"
    r"|[#@][A-Za-z_]\w*"
    r"|KETL(?:\s+Mtn\.?)?"
    # A code holds a digit beside capitals (UPF50, 4K-7), or is two to five capitals on their own (UPF, XXL).
    r"|(?<![A-Za-z0-9])(?=[A-Z0-9+/_.-]*[A-Z])(?=[A-Z0-9+/_.-]*\d)[A-Z0-9]+(?:[-+/_.][A-Z0-9]+)*\+?(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])[A-Z]{2,5}(?:[-/&][A-Z]{1,5})*(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9'’])[SML](?![A-Za-z0-9'’])"
    rf"|{_AMOUNT}(?:\s?[x×–-]\s?{_AMOUNT})*"
)
_WORD = r"[A-Za-zÀ-ɏ]+(?:['’][A-Za-zÀ-ɏ]+)*"
_TOKENS = re.compile(f"(?P<keep>{_KEEP})|(?P<word>{_WORD})", re.DOTALL)
_BETWEEN_WORDS = re.compile("\ue000 +(?=\ue000)|\ue000")
_ENDING = re.compile(r"[.!?…。！？।؟]*\s*\Z")

# A text longer than this is pseudo-localised without being remembered, which bounds the cache.
_REMEMBER_CHARS = 4_000


@lru_cache(maxsize=1_000)
def script_of(tag: str) -> str:
    """Return the ISO 15924 script of a BCP 47 tag as the product's table has it; an unknown tag gives `Latn`."""
    try:
        return find_language(tag).script
    except SelectionError:
        subtags = tag.split("-")
        return next((s.title() for s in subtags[1:] if len(s) == 4 and s.isalpha()), "Latn")


def canonical_tag(tag: str) -> str:
    """Return the tag as the product's table spells it, or as it is when the table does not have it."""
    try:
        return find_language(tag).tag
    except SelectionError:
        return tag


def demo_mark(script: str) -> str:
    """Return the mark that ends a demo text in `script`, with its leading space."""
    word = _MARK_WORDS.get(known_script(script))
    return f" ·{word}·" if word else DEMO_MARK


def is_demo_text(text: str) -> bool:
    """Tell whether `text` was pseudo-localised here, whatever the language."""
    return _ANY_MARK.search(text) is not None


def pseudo_localise(text: str, script: str) -> str:
    """Return `text` in the letters of `script`, demo mark before its closing punctuation, always the same.

    Numbers with their units, tags, placeholders, links, addresses and upper-case codes stay as they are.
    """
    if not text or text.isspace():
        return text
    if len(text) > _REMEMBER_CHARS:
        return _pseudo_localise(text, script)
    return _remembered(text, script)


def _pseudo_localise(text: str, script: str) -> str:
    script = known_script(script)
    spaced = script not in _UNSPACED
    signs = _LOCAL_SIGNS.get(script, {})
    written: list[str] = []
    position = 0
    for token in _TOKENS.finditer(text):
        written.append(_local(text[position : token.start()], signs))
        position = token.end()
        if token.lastgroup == "keep":
            written.append(token.group())
        else:
            word = write_word(token.group(), script) or token.group()
            # The private-use marks tell a space between two written words from every other space.
            written.append(word if spaced else f"\ue000{word}\ue000")
    # Only what follows the last word or kept piece is closing punctuation: the stop of "Mtn." belongs to the name.
    rest = _local(text[position:], signs)
    end = _ENDING.search(rest)
    cut = end.start() if end else len(rest)
    written.append(rest[:cut])
    whole = "".join(written)
    if not spaced:
        whole = _BETWEEN_WORDS.sub("", whole)
    ends = _LOCAL_ENDS.get(script, {})
    return whole + demo_mark(script) + "".join(ends.get(sign, sign) for sign in rest[cut:])


_remembered = lru_cache(maxsize=20_000)(_pseudo_localise)


def _local(between: str, signs: Mapping[str, str]) -> str:
    for sign, local in signs.items():
        if sign in between:
            between = between.replace(sign, local)
    return between
