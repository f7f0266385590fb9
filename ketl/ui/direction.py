"""Numbers, units and Latin names inside right-to-left text: kept in one piece wherever they are drawn.

Without help the Unicode Bidirectional Algorithm (UAX #9) shows “UPF 50+” as “+UPF 50” and “-5 °C” as “C° 5-” there.
Marks are for drawing only: no text that is stored or written to a file has them from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LETTERS = "A-Za-z0-9À-ɏ"
# A sign before a figure belongs to it at the beginning of a word only: “ב-50” is a word, a hyphen and a figure.
_WORD = (
    rf"(?:(?<![^\s(\[“\"])[+\-−±~<>≤≥#$€£¥№]+(?=[0-9]))?[{_LETTERS}]+"
    rf"(?:[.,:/\\\-–_'’&+@×*°™®]+[{_LETTERS}]+)*[%‰°™®©+\"″′²³]*"
)
_PIECE = re.compile(rf"{_WORD}(?:[ \u00a0\u202f](?:{_WORD}|°[{_LETTERS}]+|[%‰]))*")
# Figures alone stand right by themselves.
_FIGURES = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_LEFT_TO_RIGHT, _RIGHT_TO_LEFT, _END = "\u2066", "\u2067", "\u2069"


def isolated(text: str, wrap: Callable[[str], str], rest: Callable[[str], str] = str) -> str:
    """Return a right-to-left `text` with each piece that reads left to right put through `wrap`, all else `rest`."""
    shown: list[str] = []
    end = 0
    for found in _PIECE.finditer(text):
        if _FIGURES.fullmatch(found[0]):
            continue
        shown += [rest(text[end : found.start()]), wrap(found[0])]
        end = found.end()
    return "".join([*shown, rest(text[end:])])


def marked(text: str, right_to_left: bool) -> str:
    """Return `text` as a cell of a table shows it, where no HTML helps: with isolates (U+2066 to U+2069) around it."""
    if not right_to_left or not text:
        return text
    inner = isolated(text, lambda piece: f"{_LEFT_TO_RIGHT}{piece}{_END}")
    return f"{_RIGHT_TO_LEFT}{inner}{_END}"
