"""Writes an English word in the letters of another script, readably and always the same way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from zlib import crc32

_VOWELS = "aeiouy"
_LATIN = str.maketrans("aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ")


def _letters(spaced: str) -> tuple[str, ...]:
    return tuple(spaced.split())


# One letter for each of a to z; several letters where the script needs them.
_CYRILLIC = _letters("а б к д е ф г х и ж к л м н о п к р с т у в в кс й з")
_GREEK = _letters("α β κ δ ε φ γ χ ι τζ κ λ μ ν ο π κ ρ σ τ υ β ω ξ ι ζ")
_ARABIC = _letters("ا ب ك د ي ف ج ه ي ج ك ل م ن و ب ق ر س ت و ف و كس ي ز")
_HEBREW = _letters("א ב ק ד א פ ג ה י ג ק ל מ נ ו פ ק ר ס ת ו ו ו קס י ז")
_THAI = _letters("า บ ค ด ะ ฟ ก ห ย จ ก ล ม น อ ป ก ร ส ท ว ว ว ซ ย ซ")
_GEORGIAN = _letters("ა ბ კ დ ე ფ გ ჰ ი ჯ კ ლ მ ნ ო პ ქ რ ს ტ უ ვ ვ ქს ი ზ")
_ARMENIAN = _letters("ա բ կ դ ե ֆ գ հ ի ջ կ լ մ ն ո պ ք ռ ս տ ւ վ վ քս ի զ")

# The blocks of the Indic scripts are laid out alike: one table of offsets serves them all.
_INDIC_BASE: Mapping[str, int] = {
    "Deva": 0x0900, "Beng": 0x0980, "Guru": 0x0A00, "Gujr": 0x0A80, "Taml": 0x0B80,
    "Telu": 0x0C00, "Knda": 0x0C80, "Mlym": 0x0D00,
}  # fmt: skip
_INDIC_CONSONANT = dict(
    zip(
        "bcdfghjklmnpqrstvwxz",
        b"\x2c\x15\x26\x2a\x17\x39\x1c\x15\x32\x2e\x28\x2a\x15\x30\x38\x24\x35\x35\x38\x38",
        strict=True,
    )
)
_INDIC_VOWEL = dict(zip("aeiouy", b"\x06\x0f\x07\x13\x09\x08", strict=True))
_INDIC_SIGN = dict(zip("aeiouy", b"\x3e\x47\x3f\x4b\x41\x40", strict=True))
_INDIC_FALLBACK = {0x2C: 0x2A, 0x17: 0x15, 0x26: 0x24, 0x35: 0x2E}

_HANGUL_SYLLABLE = re.compile(
    r"([^aeiouy])?[^aeiouy]*([aeiouy])[aeiouy]*(?:([nlm])(?![aeiouy]))?|([^aeiouy])[^aeiouy]*"
)
_HANGUL_INITIAL = dict(
    zip("bcdfghjklmnpqrstvwxz", (7, 15, 3, 17, 0, 18, 12, 15, 5, 6, 2, 17, 15, 5, 9, 16, 7, 11, 9, 12), strict=True)
)
_HANGUL_VOWEL = {"a": 0, "e": 5, "i": 20, "o": 8, "u": 13, "y": 20}
_HANGUL_FINAL = {"n": 4, "l": 8, "m": 16}

_KANA_ROWS: Mapping[str, str] = {
    "": "アエイオウイ", "b": "バベビボブビ", "c": "カケキコクキ", "d": "ダデディドドゥディ",
    "f": "ファフェフィフォフフィ", "g": "ガゲギゴグギ", "h": "ハヘヒホフヒ", "j": "ジャジェジジョジュジ",
    "k": "カケキコクキ", "l": "ラレリロルリ", "m": "マメミモムミ", "n": "ナネニノヌニ", "p": "パペピポプピ",
    "q": "カケキコクキ", "r": "ラレリロルリ", "s": "サセシソスシ", "t": "タテティトトゥティ", "v": "バベビボブビ",
    "w": "ワウェウィウォウウィ", "x": "サセシソスシ", "z": "ザゼジゾズジ",
}  # fmt: skip
_KANA_SYLLABLE = re.compile(r"([^aeiouy])?([aeiouy])?")
_SMALL_KANA = "ァィゥェォャュョ"

# Common characters that are the same in simplified and traditional Chinese; none of them is a numeral.
_HAN = "山水木火天人大小中上下日月星光明白石田土金海河雨雪花草林森原野青朝夕北南西川竹米竺布衣巾帽"


# English spellings of one sound: without this, "thigh" reads as five consonants.
_DIGRAPHS = {"ph": "f", "th": "t", "gh": "g", "ck": "k", "ch": "c", "sh": "s", "qu": "kw"}
_ONE_SOUND = re.compile("|".join(_DIGRAPHS) + r"|([^aeiouy])\1")


def _base_letters(word: str) -> str:
    """Return the word in small letters a to z, accents dropped, digraphs and double consonants as one letter."""
    decomposed = unicodedata.normalize("NFKD", word).casefold()
    letters = "".join(letter for letter in decomposed if "a" <= letter <= "z")
    return _ONE_SOUND.sub(lambda pair: _DIGRAPHS.get(pair.group(), pair.group(1)), letters)


def _by_letter(
    table: tuple[str, ...], *, cased: bool = False, finals: Mapping[str, str] | None = None
) -> Callable[[str], str]:
    def write(word: str) -> str:
        written = "".join(table[ord(letter) - 97] for letter in _base_letters(word))
        if finals and len(written) > 1 and written[-1] in finals:
            written = written[:-1] + finals[written[-1]]
        if not cased or not written:
            return written
        if len(word) > 1 and word.isupper():
            return written.upper()
        return written[0].upper() + written[1:] if word[0].isupper() else written

    return write


def _indic(base: int) -> Callable[[str], str]:
    def letter(offset: int) -> str:
        character = chr(base + offset)
        if unicodedata.category(character) == "Cn":
            character = chr(base + _INDIC_FALLBACK.get(offset, 0x15))
        return character

    def write(word: str) -> str:
        written: list[str] = []
        after_consonant = False
        for small in _base_letters(word):
            if small in _INDIC_CONSONANT:
                written.append(letter(_INDIC_CONSONANT[small]))
                after_consonant = True
            else:
                written.append(letter((_INDIC_SIGN if after_consonant else _INDIC_VOWEL)[small]))
                after_consonant = False
        return "".join(written)

    return write


def _hangul(word: str) -> str:
    written: list[str] = []
    for first, vowel, last, lonely in _HANGUL_SYLLABLE.findall(_base_letters(word)):
        initial = _HANGUL_INITIAL.get(first or lonely, 11)
        code = 0xAC00 + (initial * 21 + _HANGUL_VOWEL.get(vowel, 18)) * 28 + _HANGUL_FINAL.get(last, 0)
        written.append(chr(code))
    return "".join(written)


def _kana_of(consonant: str, vowel: str) -> str:
    """Return the kana of one syllable; rows hold two-character kana (a large and a small one) where needed."""
    row = _KANA_ROWS[consonant]
    cells: list[str] = []
    for character in row:
        if character in _SMALL_KANA:
            cells[-1] += character
        else:
            cells.append(character)
    return cells[_VOWELS.index(vowel or "u")]


_KANA = {(c, v): _kana_of(c, v) for c in _KANA_ROWS for v in ("", *_VOWELS)} | {("n", ""): "ン"}


def _kana(word: str) -> str:
    pairs = (pair for pair in _KANA_SYLLABLE.findall(_base_letters(word)) if pair != ("", ""))
    written = "".join(_KANA[pair] for pair in pairs)
    # Japanese writes its particles in hiragana, so short English words become hiragana.
    if len(word) <= 3:
        return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in written)
    return written


def _han(word: str) -> str:
    """Return about one character for four letters, which is how short Chinese really is."""
    folded = _base_letters(word).encode()
    return "".join(_HAN[crc32(folded, part) % len(_HAN)] for part in range((len(folded) + 3) // 4))


def _latin(word: str) -> str:
    return word.translate(_LATIN)


_WRITERS: Mapping[str, Callable[[str], str]] = {
    "Latn": _latin,
    "Cyrl": _by_letter(_CYRILLIC, cased=True),
    "Grek": _by_letter(_GREEK, cased=True, finals={"σ": "ς"}),
    "Armn": _by_letter(_ARMENIAN, cased=True),
    "Arab": _by_letter(_ARABIC),
    "Hebr": _by_letter(_HEBREW, finals={"מ": "ם", "נ": "ן", "פ": "ף"}),
    "Thai": _by_letter(_THAI),
    "Geor": _by_letter(_GEORGIAN),
    "Kore": _hangul,
    "Jpan": _kana,
    "Hans": _han,
    "Hant": _han,
    **{script: _indic(base) for script, base in _INDIC_BASE.items()},
}

_SAME_LETTERS = {"Hang": "Kore", "Hani": "Hans", "Hira": "Jpan", "Kana": "Jpan", "Aran": "Arab"}


def known_script(script: str) -> str:
    """Return the ISO 15924 code under which this module writes `script`; an unknown one is written in Latin."""
    script = _SAME_LETTERS.get(script, script)
    return script if script in _WRITERS else "Latn"


@lru_cache(maxsize=20_000)
def write_word(word: str, script: str) -> str:
    """Return `word` in the letters of `script` (see `known_script`), or an empty string if none can be written."""
    return _WRITERS[known_script(script)](word)
