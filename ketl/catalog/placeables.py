"""Hides what must survive (tags, placeholders, links, codes, names) and puts it back."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

# One protected pattern an entry, in order of precedence where two could begin at the same place. None may
# run past its closing sign, so that a text of unclosed signs still takes linear time.
PATTERNS: dict[str, str] = {
    # Our own brackets in a source are hidden too: every mark in a hidden text is then one of ours.
    "bracket": r"[⟦⟧]",
    "comment": r"<!--(?:(?!-->|<!--).)*-->",
    "tag": r"</?[A-Za-z][^<>]*>",
    "liquid": r"\{%[^{}]*%\}",
    "double_brace": r"\{\{[^{}]*\}\}",
    "dollar_brace": r"\$\{[^{}]*\}",
    "brace": r"\{[\w.]*\}",
    "double_square": r"\[\[[^\[\]]+\]\]",
    "percent_name": r"%\(\w+\)[sdif]",
    # A sign behind a number is a percentage ("100%s" is a typing slip, "100% silk" is not a placeholder).
    "percent": r"(?<![\d%])%(?:\d{1,2}\$)?(?:\.\d{1,2})?[sdif@](?![A-Za-z])",
    "url": r"(?:https?://|ftp://|www\.|mailto:|tel:)[^\s<>\"⟦⟧{}]*[^\s<>\"⟦⟧{}.,;:!?)\]']",
    "email": r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+",
    "rating": r"(?<!\w)(?:UPF|SPF)\s?\d{1,3}\+?",
    "code": r"(?<![\w-])(?=[A-Za-z_-]{0,40}\d)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*(?![\w-])",
}
KINDS: tuple[str, ...] = (*PATTERNS, "term")

_UNITS = (
    "mg|g|kg|oz|lb|lbs|t|gsm|mm|cm|m|km|in|inch|ft|yd|mi|ml|cl|dl|l|fl|gal|h|hr|hrs|min|s|sec|d|w|wh|kw|v|a|ah|mah|"
    "hz|khz|mhz|ghz|k|c|f|psi|bar|kpa|mpa|n|nm|j|kj|cal|kcal|lm|lx|db|gb|mb|tb|mp|px|dpi|den|dtex|tpi|ply|pc|pcs|x"
)
_NUMBER_WITH_UNIT = re.compile(rf"\d+(?:{_UNITS})\d?", re.IGNORECASE)
_UNIT_WITH_POWER = re.compile(rf"(?:{_UNITS})[23]", re.IGNORECASE)
# "600D" and "70D" look like a number of days; on a fabric they are a grade of yarn and stay as they are.
_DENIER = re.compile(r"\d{2,4}D")
_DIMENSIONS = re.compile(r"\d+(?:[xX]\d+)+")
_COUNTED_WORD = re.compile(r"\d+-(?!\d*X*[SML]\b)[A-Za-z]+(?:-\w+)*")
_WORD = re.compile(r"[a-z]{3}")

_EXACT = re.compile(r"⟦(\d{1,6})⟧")
_MOST_LOOKED_FOR = 200  # a translation that wrote out more of its placeables than this has lost them
_DIRECTION_MARKS = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
_GAP = f"[\\s\u200b-\u200d{_DIRECTION_MARKS}]*"
_OWN_BRACKETS = rf"(?:⟦|〚){_GAP}(\d{{1,6}}){_GAP}(?:⟧|〛|\]|】|］)?"
_OTHER_BRACKETS = rf"(?:\[|［|【|〖|⟬){{1,2}}{_GAP}(\d{{1,6}}){_GAP}(?:⟧|〛|\]|］|】|〗|⟭){{1,2}}"
_LENIENT = re.compile(rf"{_OWN_BRACKETS}|{_OTHER_BRACKETS}")
_LENIENT_OWN = re.compile(_OWN_BRACKETS)
_OTHER = re.compile(_OTHER_BRACKETS)
_DIRECTION = re.compile(f"[{_DIRECTION_MARKS}]")
_AROUND = re.compile(f"(?<![{_DIRECTION_MARKS}])[{_DIRECTION_MARKS}]*+(⟦\\d{{1,6}}⟧)[{_DIRECTION_MARKS}]*")


@dataclass(frozen=True, slots=True)
class Hidden:
    """A text in which every placeable is a mark: ⟦1⟧ stands for `values[0]`, wherever it occurs."""

    text: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """A translation with its placeables back.

    `missing` are the placeables that the translation lost, `extra` those it has more often than the source,
    and marks that stand for nothing; both are empty when all is well.
    """

    text: str
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every placeable is there exactly as often as in the source."""
        return not self.missing and not self.extra


@lru_cache(maxsize=1024)
def _pattern(terms: tuple[str, ...], kinds: tuple[str, ...]) -> re.Pattern[str]:
    parts = [f"(?P<{name}>{pattern})" for name, pattern in PATTERNS.items() if name in kinds or name == "bracket"]
    if terms and "term" in kinds:
        # Longest first: "KETL Mtn." must not be taken for "KETL" with a rest.
        names = "|".join(re.escape(term) for term in sorted(set(terms), key=lambda t: (-len(t), t)))
        parts.insert(-1 if "code" in kinds else len(parts), rf"(?P<term>(?<!\w)(?:{names})(?!\w))")
    return re.compile("|".join(parts), re.DOTALL)


@lru_cache(maxsize=4096)
def is_code(token: str) -> bool:
    """Tell whether a token of letters and digits is a code (4XL, A-1002, 600D) and no measure or counted word.

    >>> [is_code(t) for t in ("4XL", "A-1002", "121g", "5-panel", "24h")]
    [True, True, False, False, False]
    """
    if len(token) < 3 or not any(c.isdigit() for c in token) or not any(c.isalpha() for c in token):
        return False
    if _DENIER.fullmatch(token):
        return True
    if _NUMBER_WITH_UNIT.fullmatch(token) or _UNIT_WITH_POWER.fullmatch(token) or _DIMENSIONS.fullmatch(token):
        return False
    if token[0].isdigit():
        return not any(c.islower() for c in token) and not _COUNTED_WORD.fullmatch(token)
    return not _WORD.search(token)


# The signs without which a pattern cannot match: most texts have few of them, and every pattern that is tried
# at every letter of a text takes its time.
_SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("⟦", ("bracket",)),
    ("⟧", ("bracket",)),
    ("<", ("comment", "tag")),
    ("{", ("liquid", "double_brace", "dollar_brace", "brace")),
    ("[[", ("double_square",)),
    ("%", ("percent_name", "percent")),
    ("://", ("url",)),
    ("www.", ("url",)),
    ("mailto:", ("url",)),
    ("tel:", ("url",)),
    ("@", ("email",)),
    ("UPF", ("rating",)),
    ("SPF", ("rating",)),
)
# Digits with a Latin letter beside them, or behind a hyphen: without it there is no code. It begins with a digit,
# not with what may stand before one, since that is what few texts have.
_JOINED = re.compile(r"[0-9](?:(?<=[A-Za-z].)|(?<=[A-Za-z][-_].)|(?<![0-9].)[0-9]*+[-_]?[A-Za-z])")


def _possible(text: str) -> tuple[str, ...]:
    """Return the patterns that may match somewhere in `text`, in their order."""
    signs = [kinds for sign, kinds in _SIGNS if sign in text]
    code = ("code",) if _JOINED.search(text) else ()
    if not signs:
        return code
    found = {*chain.from_iterable(signs), *code}
    return tuple([kind for kind in PATTERNS if kind in found])


def hide(text: str, terms: tuple[str, ...] = (), *, kinds: tuple[str, ...] = KINDS) -> Hidden:
    """Return `text` with its placeables as numbered marks, in order of first occurrence.

    `terms` are names that must stay as they are, spelled as in the text; `kinds` narrows what is hidden
    (see `KINDS`). `restore(hide(text).text, hide(text)).text` is `text`, for any text.
    """
    numbers: dict[str, int] = {}

    def mark(match: re.Match[str]) -> str:
        value = match.group()
        if match.lastgroup == "code" and not is_code(value):
            return value
        return f"⟦{numbers.setdefault(value, len(numbers) + 1)}⟧"

    possible = _possible(text)
    if kinds != KINDS:
        possible = tuple([kind for kind in possible if kind in kinds])
    if not possible and not terms:
        return Hidden(text)
    hidden = _pattern(tuple(terms), (*possible, "term") if "term" in kinds else possible).sub(mark, text)
    return Hidden(hidden, tuple(numbers))


def nothing_to_translate(hidden: Hidden) -> bool:
    """Tell whether the text is placeables and punctuation only, so that it is its own translation."""
    text = hidden.text
    # Most texts begin with a letter, and no mark does.
    return not text[:1].isalpha() and not any(c.isalnum() for c in _EXACT.sub("", text))


def restore(translated: str, hidden: Hidden) -> Restored:
    """Return `translated` with its marks replaced by what they stand for.

    Forgiving: digits of any script, spaces and direction marks in and around a mark, other brackets where
    the source has none of that look, any order, and values that the translator wrote out. What is lost or
    too many is told, never guessed.
    """
    if not hidden.values and not _LENIENT_OWN.search(translated):
        return Restored(translated)
    wanted = Counter(int(number) for number in _EXACT.findall(hidden.text))
    text = translated
    if Counter(int(number) for number in _EXACT.findall(text)) != wanted:
        text = _tidy(text, hidden, wanted)
    if _DIRECTION.search(text) and not _DIRECTION.search(hidden.text):
        text = _AROUND.sub(r"\1", text)
    found: Counter[int] = Counter()
    strays: list[str] = []

    def value(match: re.Match[str]) -> str:
        number = int(match.group(1))
        if number not in wanted:
            strays.append(match.group())
            return match.group()
        found[number] += 1
        return hidden.values[number - 1]

    plain = _EXACT.sub("", text)
    result = _EXACT.sub(value, text)
    missing: list[str] = []
    extra = strays
    looked_for = 0
    for number, count in wanted.items():
        name = hidden.values[number - 1]
        lacking = count - found[number]
        if lacking > 0:
            # Written out by the translator instead of copied as a mark: nothing is lost.
            looked_for += 1
            lacking -= min(lacking, plain.count(name)) if looked_for <= _MOST_LOOKED_FOR else 0
        missing += [name] * max(lacking, 0)
        extra += [name] * max(found[number] - count, 0)
    return Restored(result, tuple(missing), tuple(extra))


def _tidy(text: str, hidden: Hidden, wanted: Counter[int]) -> str:
    """Return `text` with marks that came back in another shape in their own shape."""
    lenient = _LENIENT_OWN if _OTHER.search(hidden.text) else _LENIENT

    def exact(match: re.Match[str]) -> str:
        own = match.group(1)
        number = int(own or match.group(2))
        # "[3]" is a mark only if there is a third placeable; in our own brackets it is a mark in any case.
        return f"⟦{number}⟧" if own or number in wanted else match.group()

    return lenient.sub(exact, text)
