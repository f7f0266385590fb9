"""The letters of every script as data, and which characters of a text its language would not write."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters by script. Marks and signs that all scripts share (ª º µ ー ・) belong to none.
RANGES = {
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
OF_LANGUAGE = {
    "Latn": ("Latin",), "Cyrl": ("Cyrillic",), "Grek": ("Greek",), "Arab": ("Arabic",), "Hebr": ("Hebrew",),
    "Deva": ("Devanagari",), "Beng": ("Bengali",), "Taml": ("Tamil",), "Thai": ("Thai",),
    "Jpan": ("Hiragana", "Katakana", "Han"), "Hans": ("Han",), "Hant": ("Han",), "Kore": ("Hangul", "Han"),
}  # fmt: skip
# Serbian shops write both alphabets.
ALSO = {"sr": ("Latin",)}


@lru_cache(maxsize=64)
def letter_patterns(tag: str, script: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns for the letters of the target, and for letters that are neither Latin nor the target's."""
    own = OF_LANGUAGE[script] + ALSO.get(tag, ())
    mine = "".join(RANGES[name] for name in own)
    third = "".join(letters for name, letters in RANGES.items() if name not in own and name != "Latin")
    return re.compile(f"[{mine}]"), re.compile(f"[{third}]+")


ALWAYS_INVISIBLE = (
    "\u00ad\u2060\u2061\u2062\u2063\u2064\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    "\ufffc\u180e\u115f\u3164"
)
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
# Scripts whose letters have a composed form that search and sorting expect; Indic and Hebrew points have none.
COMPOSING = frozenset({"Latn", "Cyrl", "Grek", "Jpan", "Kore"})
INVISIBLE = re.compile(f"[{ALWAYS_INVISIBLE}\u200b\u200e\u200f{CONTROLS}]")
UNASSIGNED = re.compile("[\ufffd\ue000-\uf8ff\ud800-\udfff\ufffe\uffff]")

# Characters that were looked at once and belong to a language's plain text, by tag.
_PLAIN: dict[str, set[str]] = {}


def all_plain(chars: frozenset[str], tag: str, script: str) -> bool:
    """Tell whether every character may stand in plain text of the language: no third script, nothing invisible.

    Every character is judged once for a language; later texts only compare sets.
    """
    known = _PLAIN.get(tag)
    if known is None:
        known = _PLAIN.setdefault(tag, set())
    if chars <= known:
        return True
    _, third = letter_patterns(tag, script)
    known.update(char for char in chars - known if _is_plain(char, script, third))
    return chars <= known


def _is_plain(char: str, script: str, third: re.Pattern[str]) -> bool:
    if third.match(char) or INVISIBLE.match(char) or UNASSIGNED.match(char):
        return False
    if script not in COMPOSING or char.isascii():
        return True
    # Marks and single Korean letters may compose with their neighbour.
    return (
        unicodedata.is_normalized("NFC", char)
        and not unicodedata.category(char).startswith("M")
        and not "\u1100" <= char <= "\u11ff"
    )
