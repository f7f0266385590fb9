"""Reads a model's reply forgivingly: fences, thinking, preambles, wrappers, a cut-off end."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ketl._words import without_keys

# Of a reply no more than this is read: several times what any model may write at once.
MOST_CHARS = 400_000
# A reply longer than this is read and judged in a thread, some 4 µs a character, so that nothing else waits for it.
LONG_CHARS = 8_000

_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)

# A string and what closes it, by what opens it. Nothing is given back (`*+`): a string without an end is found
# to have none in one pass.
_STRINGS = {
    '"': re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL),
    "'": re.compile(r"'([^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL),
    "“": re.compile(r"[“”]([^“”\\]*+(?:\\.[^“”\\]*+)*+)[“”]", re.DOTALL),
}
_STRINGS["”"] = _STRINGS["“"]
_OPENING = re.compile(r"[\"'“”]")
_COLON = re.compile(r"\s*+:\s*+")
_AFTER_VALUE = re.compile(r"\s*+(?:[,}\]\"'“”]|\Z)")
_ESCAPED = re.compile(r"\\.|\"", re.DOTALL)
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_KEY_NAMES = ("key", "id")
_TEXT_NAMES = ("translation", "text", "value", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a reply gives for the keys asked: texts by key, whether it was cut off, keys nobody asked for."""

    texts: Mapping[str, str]
    cut_off: bool = False
    extra: tuple[str, ...] = ()


def parse_reply(content: str, keys: Sequence[str], finish_reason: str = "stop") -> Parsed:
    """Return the texts in a reply, read forgivingly: fences, thinking, preambles, wrappers, a cut-off end.

    Only keys that were asked for are in `texts`, and only with a non-blank string; what is missing there
    must be asked again. The text of a reply that is no JSON object is never taken for a translation.
    """
    found, whole = _read_object(content[:MOST_CHARS])
    cut_off = finish_reason == "length" or not whole
    wanted = set(keys)
    if not wanted & found.keys():
        # Some models wrap the answer in an object of its own, as {"translations": {...}} or {"translations": [...]}.
        for value in found.values():
            inner = _from_list(value) if isinstance(value, list) else value
            if isinstance(inner, dict) and wanted & inner.keys():
                found = inner
                break
    texts: dict[str, str] = {}
    extra: list[str] = []
    for key, value in found.items():
        if key not in wanted:
            extra.append(key)
            continue
        # A lone surrogate is no character, and no file takes it.
        text = without_keys(_SURROGATE.sub("", _text_of(value)))
        if text.strip():
            texts[key] = text
    return Parsed(texts=texts, cut_off=cut_off, extra=tuple(extra))


def without_thinking(content: str) -> str:
    """Return a reply without what the model thought before it wrote, to the end where the thinking has none."""
    return _THINK.sub("", content) if "<think>" in content.lower() else content


def _text_of(value: object) -> str:
    """Return the text in one value of a reply: itself, a number, or the one text of {"translation": "…"}."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value) if abs(value) < 1e15 and math.isfinite(value) else ""
    if isinstance(value, dict):
        named = [value[name] for name in _TEXT_NAMES if isinstance(value.get(name), str)]
        return named[0] if len(named) == 1 else ""
    return ""


def _from_list(rows: list[Any]) -> dict[str, Any]:
    """Return the object that a list of rows stands for: {"key": …, "translation": …} each, or one object."""
    found: dict[str, Any] = {}
    for row in rows:
        if isinstance(row, dict):
            key = next((row[name] for name in _KEY_NAMES if isinstance(row.get(name), str)), None)
            found.update({key: _text_of(row)} if key is not None else row)
    return found


def _read_object(content: str) -> tuple[dict[str, Any], bool]:
    """Return the JSON object in `content` and True, or what can be saved of a broken one and False."""
    try:
        data = orjson.loads(content)
        if isinstance(data, dict):
            return data, True
        if isinstance(data, str) and data.lstrip().startswith("{"):
            return _read_object(data)  # JSON in a string
        if isinstance(data, list):
            return _from_list(data), True
    except orjson.JSONDecodeError:
        pass
    text = without_thinking(content)
    start = text.find("{")
    if start < 0:
        return {}, True
    listed = text.rfind("[", 0, start)
    for begin in (listed, start) if listed >= 0 and not text[listed + 1 : start].strip() else (start,):
        try:
            # Takes line breaks and tabs in strings as they are, and leaves alone what comes after.
            data, _ = _LENIENT.raw_decode(text, begin)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, list):
            data = _from_list(data)
        if isinstance(data, dict) and data:
            return data, True
    return _save_pairs(text, start), text.rstrip("` \t\r\n").endswith(("}", "]"))


_LENIENT = json.JSONDecoder(strict=False)


def _save_pairs(text: str, at: int) -> dict[str, Any]:
    """Return the whole pairs of a broken object, or of its rows; only the broken rest is asked again.

    Strings may stand in any quotation marks. Every character is looked at a fixed number of times.
    """
    saved: dict[str, Any] = {}
    name: str | None = None
    row_key = ""
    while (found := _OPENING.search(text, at)) is not None:
        first = _STRINGS[found[0]].match(text, found.start())
        if first is None:
            break
        at = first.end()
        colon = _COLON.match(text, at)
        if colon is None:
            continue
        key = _unescape(first[1], found[0])
        at = colon.end()
        mark = text[at : at + 1]
        if mark not in _STRINGS:
            name = key if mark == "{" else name
            continue
        value = _STRINGS[mark].match(text, at)
        if value is None:
            break
        at = value.end()
        if _AFTER_VALUE.match(text, at) is None or key is None:
            continue
        said = _unescape(value[1], mark)
        if said is None:
            continue
        if key in _KEY_NAMES:
            row_key = said
        elif key in _TEXT_NAMES and (belongs_to := row_key or name):
            saved.setdefault(belongs_to, said)
            row_key, name = "", None
        else:
            saved.setdefault(key, said)
    return saved


def _unescape(inside: str, mark: str) -> str | None:
    """Return what a string between marks says, None when it cannot be read."""
    if "\\" not in inside:
        return inside
    if mark != '"':
        inside = inside.replace("\\'", "'")
        inside = _ESCAPED.sub(lambda found: '\\"' if found[0] == '"' else found[0], inside)
    try:
        text = json.loads(f'"{inside}"', strict=False)
    except ValueError:
        return None
    return str(text)
