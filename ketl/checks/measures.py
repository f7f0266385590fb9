"""Checks of what numbers measure: units beside them, and currencies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ketl.checks import _traits as traits
from ketl.checks._units import has_all_units, same_unit
from ketl.checks.base import Severity, check
from ketl.checks.numerals import join_spaced
from ketl.checks.subject import Subject

_NAMES = {"in": "inches", "ft": "feet", "l": "litres", "m": "metres", "h": "hours", "°": "degrees"}


@check("units", Severity.ERROR, needs=traits.NUMBERS)
def units(subject: Subject) -> Iterable[str]:
    """Unit lost or changed.

    A number keeps its unit, whose word may be localised: 12" may become 12 Zoll or 12インチ, 14 lbs never
    14 kg, and a value is never converted.
    False alarms: unit words that the tables do not know are let pass; a unit written out once for a range.
    """
    measured = [quantity for quantity in subject.facts.quantities if quantity.unit is not None]
    if not measured:
        return ()
    seen = subject.seen
    read = [(numeral, seen.unit_of(numeral)) for numeral in seen.numerals]
    joined = join_spaced(seen.folded)
    messages: list[str] = []
    taken: set[int] = set()
    # A plain number takes a plain one first, so that “2 fingers” does not vouch for “1-2 mm”.
    for quantity in subject.facts.quantities:
        if quantity.unit is None:
            plain = (
                i for i, (n, found) in enumerate(read) if not found and i not in taken and quantity.values & n.values
            )
            taken.update(list(plain)[:1])
    for quantity in measured:
        unit = quantity.unit or ""
        same_value = [
            (index, found)
            for index, (numeral, found) in enumerate(read)
            if index not in taken and quantity.values & numeral.values
        ]
        if not same_value:
            spaced = next((n for n in joined.values() if quantity.values & n.values), None) if joined else None
            if spaced is not None and (beside := seen.unit_of(spaced)) is not None and not same_unit(unit, beside):
                messages.append(_message(quantity.text, unit, beside))
            continue
        best = next((i for i, found in same_value if found and same_unit(unit, found)), None)
        if best is None and not (unit == "%" and has_all_units(subject.language.tag)):
            # A number beside an unknown word is taken on trust before one with the wrong unit.
            best = next((i for i, found in same_value if found is None), None)
        if best is not None:
            taken.add(best)
            continue
        index, found = same_value[0]
        taken.add(index)
        if found or not _joined(seen.folded, read[index][0].end):
            messages.append(_message(quantity.text, unit, found or ""))
    return messages


def _message(number: str, unit: str, found: str) -> str:
    if found:
        return f"{number} {_NAMES.get(unit, unit)} became {number} {_NAMES.get(found, found)}."
    return f"The unit of {number} ({_NAMES.get(unit, unit)}) is missing."


def _joined(text: str, end: int) -> bool:
    """Tell whether a range or a row of numbers goes on, so that the unit follows later."""
    return re.match(r"\s*(?:[-–—~〜～/x×х,]|to\b)\s*\d", text[end : end + 8]) is not None


# Class of currency: its signs and codes, and beginnings of its name in many languages.
_CURRENCIES = {
    "dollar": (
        r"\$|＄|\b(?:USD|CAD|AUD|US\$)\b",
        r"dollar|dólar|dolar|доллар|долар|ドル|美元|달러|دولار|דולר|δολάρι|डॉलर|ดอลลาร์|đô",
    ),
    "euro": (r"€|\bEUR\b", r"euro|евро|євро|ユーロ|欧元|歐元|유로|يورو|אירו|ευρώ|यूरो|ยูโร"),
    "pound": (r"£|\bGBP\b", r"pound|libra|livre|pfund|sterlin|фунт|ポンド|英镑|英鎊|파운드|جنيه|ליש|λίρ"),
    "yen": (r"[¥￥]|\b(?:JPY|CNY)\b|円", r"\byen|иен|日元|엔|ين|yuan|юан|元"),
}
_SIGNS = {name: re.compile(signs) for name, (signs, _) in _CURRENCIES.items()}
_WORDS = {name: re.compile(f"{signs}|{words}", re.IGNORECASE) for name, (signs, words) in _CURRENCIES.items()}
_AMOUNT = re.compile(r"[$€£¥￥＄]\s?\d|\d\s?[$€£¥￥＄円]|\b(?:USD|EUR|GBP|JPY|CNY|CAD|AUD)\b")
_HINTS = ("$", "€", "£", "¥", "USD", "EUR", "GBP", "JPY", "CNY", "CAD", "AUD", "￥", "＄", "円")


def _money(text: str) -> bool:
    return any(hint in text for hint in _HINTS) and _AMOUNT.search(text) is not None


@check("currency", Severity.ERROR, needs=traits.MONEY)
def currency(subject: Subject) -> Iterable[str]:
    """Currency lost or changed.

    $69 may become 69 $ or 69 US-Dollar, never 69 €.
    False alarms: none known; currency words are known in the larger languages only.
    """
    if not _money(subject.source) and not _money(subject.translation):
        return ()
    wanted = {name for name, pattern in _SIGNS.items() if pattern.search(subject.source)}
    found = {name for name, pattern in _SIGNS.items() if pattern.search(subject.translation)}
    spoken = {name for name, pattern in _WORDS.items() if pattern.search(subject.source)}
    messages = [f"The currency {name} is not in the English text." for name in sorted(found - spoken)]
    messages += [
        f"The currency {name} is missing."
        for name in sorted(wanted - found)
        if not _WORDS[name].search(subject.translation)
    ]
    return messages
