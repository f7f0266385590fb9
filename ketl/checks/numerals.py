"""Reads numbers in any digit script and under any locale's rules, with what stands beside them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

_SEPARATORS = {"٫": ".", "٬": ",", "．": ".", "，": ","}
# The zeros of the scripts that shops write in, of full-width digits and of the bold and outlined ones.
_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀០᠐０𝟎𝟘𝟢𝟬𝟶"
_TABLE = {ord(zero) + value: str(value) for zero in _ZEROS for value in range(10)}
_TABLE |= {ord(mark): plain for mark, plain in _SEPARATORS.items()}
_WIDE_COMMA = re.compile("(?<!\\d)，|，(?!\\d{3}(?!\\d))")
_FRACTIONS = {"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "⅛": " 1/8"}
_FRACTION = re.compile("[½⅓⅔¼¾⅛]")
# A text without any of these is written with plain digits.
FOLDABLE = frozenset(map(chr, _TABLE)) | frozenset(_FRACTIONS)

_NUMBER = re.compile(r"\d+(?:[.,'’٬]\d+)*")
_SPACED = re.compile(r"\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?:[.,]\d{1,2})?(?!\d)")
_MYRIAD = {"万": 4, "萬": 4, "만": 4, "億": 8, "亿": 8, "억": 8, "천": 3}
# So many numbers of a text are compared with those of another each with each, and more by their digits only.
MOST_NUMERALS = 200
# “m2” and “m3” hold no number of their own.
_POWER = re.compile(r"(?:(?<![^\W\d_])[cdkmсмкد]?[mм]|م)$")

_MASKED = re.compile(
    r"<[^<>]*>|\{\{[^{}]*\}\}|\$?\{[^{}]*\}|\{%[^{}]*%\}|\[\[[^\[\]]*\]\]|⟦[^⟦⟧]*⟧|https?://\S+|www\.\S+"
    r"|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++"
    r"|%\d+\$[sd]|&(?:#x?[0-9a-fA-F]+|[A-Za-z]+);"
)
# A text without any of these holds nothing to mask.
PROTECTING_SIGNS = frozenset("<{⟦@&/[$w")
_MASK_HINT = re.compile(r"[<{⟦@&]|//|www\.|\[\[|\$[sd]")


@dataclass(frozen=True, slots=True)
class Numeral:
    """One number as it stands in a text: its digits, every value they can mean, and where it stands."""

    text: str
    values: frozenset[str]
    start: int
    end: int


def fold_digits(text: str) -> str:
    """Return `text` with the digits of every script as 0-9 and their separators as . and , ; length is kept
    but for vulgar fractions."""
    if FOLDABLE.isdisjoint(text):
        return text
    text = _WIDE_COMMA.sub("、", text).translate(_TABLE)
    return _FRACTION.sub(lambda found: _FRACTIONS[found[0]], text)


def mask_protected(text: str) -> str:
    """Return `text` with tags, placeholders and addresses blanked out, every position kept."""
    if _MASK_HINT.search(text) is None:
        return text
    return _MASKED.sub(lambda found: " " * len(found[0]), text)


def plain(value: str) -> str:
    """Return a decimal string without leading and trailing zeros: “0029.90” is “29.9”."""
    whole, dot, rest = value.partition(".")
    rest = rest.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{rest}" if dot and rest else "")


def read_value(token: str, *, english: bool = False) -> frozenset[str]:
    """Return every value that a token such as “1.299,50” or “20,000” can mean.

    A lone separator before three digits is ambiguous between locales, so both readings are given;
    `english` reads it the English way only.
    """
    return _read_value(token, english)


@lru_cache(maxsize=8192)
def _read_value(token: str, english: bool) -> frozenset[str]:
    if token.isdecimal():
        return frozenset((plain(token),))
    marks = [char for char in token if not char.isdecimal()]
    groups = re.split(r"\D", token)
    kinds = set(marks)
    thousands_ok = all(len(g) == 3 for g in groups[1:]) and 1 <= len(groups[0]) <= 3
    if len(kinds) == 1:
        mark = marks[0]
        grouped = plain("".join(groups)) if thousands_ok and groups[0] != "0" else None
        fraction = plain(f"{groups[0]}.{groups[1]}") if len(groups) == 2 and mark in ".," else None
        if english and grouped is not None and mark == ",":
            return frozenset((grouped,))
        if english and fraction is not None and mark == ".":
            return frozenset((fraction,))
        if len(groups) > 2 and all(len(g) == 2 for g in groups[1:-1]) and len(groups[-1]) == 3:
            grouped = plain("".join(groups))  # Indian grouping: 1,00,000
        return frozenset(filter(None, (grouped, fraction)))
    if len(kinds) == 2 and marks.count(marks[-1]) == 1:
        return frozenset((plain(f"{''.join(groups[:-1])}.{groups[-1]}"),))
    return frozenset()


def read_numerals(text: str, *, english: bool = False) -> tuple[Numeral, ...]:
    """Return the first numbers of a text, MOST_NUMERALS at most; its digits are folded, its protected parts masked."""
    numerals: list[Numeral] = []
    for found in _NUMBER.finditer(text):
        if len(numerals) >= MOST_NUMERALS:
            break
        token, start, end = found[0], found.start(), found.end()
        if token in ("2", "3") and start and _POWER.search(text, max(0, start - 3), start):
            continue
        values = _read_value(token, english)
        if not values:
            # A version or a bare list, such as 1.2.3 or 30,32,34: every part is a number of its own.
            position = start
            for part in re.split(r"(\D)", token):
                if part.isdecimal():
                    numerals.append(Numeral(part, frozenset((plain(part),)), position, position + len(part)))
                position += len(part)
            continue
        power = _MYRIAD.get(text[end : end + 1])
        if power is not None:
            # The unscaled value stays possible: 만 also means “only”.
            values |= {_scaled(value, power) for value in values}
        numerals.append(Numeral(token, values, start, end))
    return tuple(numerals[:MOST_NUMERALS])


def _scaled(value: str, power: int) -> str:
    whole, _, rest = value.partition(".")
    return plain(whole + rest.ljust(power, "0")[:power] + ("." + rest[power:] if len(rest) > power else ""))


def count_digits(text: str) -> Counter[str]:
    """Return how often each number stands in a text, by its digits alone: “1.299,50” and “1,299.50” are 129950."""
    return Counter(re.sub(r"\D", "", token) for token in _NUMBER.findall(text))


def join_spaced(text: str) -> dict[int, Numeral]:
    """Return numbers grouped by spaces (“20 000”) by their start."""
    joined: dict[int, Numeral] = {}
    for found in _SPACED.finditer(text):
        value = plain(re.sub(r"\s", "", found[0]).replace(",", "."))
        joined[found.start()] = Numeral(found[0], frozenset((value,)), found.start(), found.end())
    return joined
