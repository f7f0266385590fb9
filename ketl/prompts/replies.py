"""Reads a model's reply forgivingly: fences, thinking, preambles, wrappers, a cut-off end."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)


_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"')


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
    found, whole = _read_object(content)
    cut_off = finish_reason == "length" or not whole
    wanted = set(keys)
    if not wanted & found.keys():
        # Some models wrap the answer in an object of its own, as {"translations": {...}}.
        for value in found.values():
            if isinstance(value, dict) and wanted & value.keys():
                found = value
                break
    texts: dict[str, str] = {}
    extra: list[str] = []
    for key, value in found.items():
        if key not in wanted:
            extra.append(key)
            continue
        text = _text_of(value)
        if text.strip():
            texts[key] = text
    return Parsed(texts=texts, cut_off=cut_off, extra=tuple(extra))


def _text_of(value: object) -> str:
    """Return the text in one value of a reply: itself, a number, or the one text of {"translation": "…"}."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, dict):
        named = [value[name] for name in _TEXT_NAMES if isinstance(value.get(name), str)]
        return named[0] if len(named) == 1 else ""
    return ""


def _from_list(rows: list[Any]) -> dict[str, Any]:
    """Return the object that a list of rows stands for: {"key": …, "translation": …} each, or one object."""
    found: dict[str, Any] = {}
    for row in rows:
        if isinstance(row, dict):
            key = next((row[name] for name in ("key", "id") if isinstance(row.get(name), str)), None)
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
    text = _THINK.sub("", content) if "<think>" in content.lower() else content
    start = text.find("{")
    if start < 0:
        return {}, True
    end = text.rfind("}")
    if end > start:
        try:
            data = orjson.loads(text[start : end + 1])
            if isinstance(data, dict):
                return data, True
        except orjson.JSONDecodeError:
            pass
        try:
            data = ast.literal_eval(text[start : end + 1])  # the same with single quotes, as Python writes it
            if isinstance(data, dict):
                return {key: value for key, value in data.items() if isinstance(key, str)}, True
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    # Whole pairs of a cut-off object are good translations; only the broken rest is asked again.
    saved: dict[str, Any] = {}
    for key, value in _PAIR.findall(text[start:]):
        try:
            saved[orjson.loads(f'"{key}"')] = orjson.loads(f'"{value}"')
        except orjson.JSONDecodeError:
            continue
    return saved, False
