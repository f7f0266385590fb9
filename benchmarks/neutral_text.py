"""Deterministic pseudo-translation for the neutral server: the target's letters, everything else kept."""

from __future__ import annotations

import re
from functools import lru_cache

_KEEP = re.compile(
    r"⟦[^⟧]*⟧|<[^>]*>|\$?\{+[^}]*\}+|https?://\S+|&#?\w+;|%\w"
    r"|KETL(?: Mtn\.?)?|\b[A-Z]{2,}\b|\b[A-Z]\b"
    r"|[^\s,;()]*\d[^\s,;()]*(?: ?(?:gsm|g|kg|oz|lb|mm|cm|m|km|in|inch|ml|l|denier|D|K)\b)?"
    r"|(?P<word>[A-Za-z]+)"
)

_ASCII = "abcdefghijklmnopqrstuvwxyz"
# One letter (or none, or two) for each of a to z; the scripts of syllables write vowels only.
_LETTERS = {
    "Latn": "á b c d é f g h í j k l m n ó p q r s t ú v w x ý z",
    "Cyrl": "а б к д е ф г х и ж к л м н о п к р с т у в в кс й з",
    "Grek": "α β κ δ ε φ γ χ ι τζ κ λ μ ν ο π κ ρ σ τ υ β ω ξ ι ζ",
    "Arab": "ا ب ك د ي ف ج ه ي ج ك ل م ن و ب ق ر س ت و ف و كس ي ز",
    "Hebr": "א ב ק ד א פ ג ה י ג ק ל מ נ ו פ ק ר ס ת ו ו ו קס י ז",
    "Deva": "ा ब क द े फ ग ह ि ज क ल म न ो प क र स त ु व व क्स य ज",
    "Beng": "া ব ক দ ে ফ গ হ ি জ ক ল ম ন ো প ক র স ত ু ভ ব ক্স য জ",
    "Taml": "ா ப க த ெ ப க ஹ ி ஜ க ல ம ந ொ ப க ர ஸ த ு வ வ க்ஸ ய ஜ",
    "Thai": "า บ ค ด ะ ฟ ก ห ย จ ก ล ม น อ ป ก ร ส ท ว ว ว ซ ย ซ",
    "Jpan": "カ - - - ケ - - - キ - - - - - コ - - - - - ク - - - ス -",
    "Kore": "가 - - - 레 - - - 시 - - - - - 도 - - - - - 구 - - - 미 -",
    "Hans": "山 - - - 水 - - - 木 - - - - - 石 - - - - - 田 - - - 金 -",
}
_TABLES = {
    script: {ord(a): "" if b == "-" else b for a, b in zip(_ASCII, letters.split(), strict=True)}
    for script, letters in _LETTERS.items()
}
_LONELY = {"Jpan": "ト", "Kore": "나", "Hans": "火"}
_SCRIPTS = {
    "ru": "Cyrl", "uk": "Cyrl", "bg": "Cyrl", "sr": "Cyrl", "el": "Grek", "ar": "Arab", "fa": "Arab", "ur": "Arab",
    "he": "Hebr", "hi": "Deva", "bn": "Beng", "ta": "Taml", "th": "Thai", "ja": "Jpan", "ko": "Kore", "zh": "Hans",
}  # fmt: skip
_UNSPACED = re.compile(r"(?<=[぀-鿿]) (?=[぀-鿿])")


def pseudo_translate(text: str, tag: str) -> str:
    """Return `text` in the letters of the language's script, always the same.

    Numbers with their units, tags, placeholders, marks, links, names and upper-case codes stay as they are.
    """
    return _written(text, _SCRIPTS.get(tag.partition("-")[0].lower(), "Latn"))


@lru_cache(maxsize=30_000)
def _written(text: str, script: str) -> str:
    table, lonely = _TABLES[script], _LONELY.get(script, "")

    def write(found: re.Match[str]) -> str:
        word = found["word"]
        if word is None:
            return found[0]
        said = word.lower().translate(table) or lonely
        return said[0].upper() + said[1:] if word[0].isupper() else said

    written = _KEEP.sub(write, text)
    return _UNSPACED.sub("", written) if script in ("Jpan", "Hans") else written
