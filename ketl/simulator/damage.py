"""Spoils a good reply in one of the ways in which models spoil theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import orjson

from ketl.simulator.alphabets import known_script, write_word
from ketl.simulator.pseudo import script_of

# Translations by key, or their English sources under the same keys.
Texts = dict[str, str]

_NUMBER = re.compile(r"(?<![⟦\d])\d+(?:[.,]\d+)*")
_TAG = re.compile(r"<(/?[A-Za-z][^<>]*)>")
_PLACEHOLDER = re.compile(r"⟦[^⟦⟧]*⟧|\$\{[^{}]*\}|\{\{[^{}]*\}\}|\{[^{}]*\}|%(?:\d+\$)?[sdif]\b")
_WORDS = re.compile(r"[^\W\d_]+")


def _swap_number(text: str, source: str, tag: str) -> str:
    def other(number: re.Match[str]) -> str:
        digits = number.group()
        return ("9" if digits[0] != "9" else "4") + digits[1:]

    return _NUMBER.sub(other, text, count=1)


def _drop_number(text: str, source: str, tag: str) -> str:
    return _NUMBER.sub("", text, count=1)


def _echo(text: str, source: str, tag: str) -> str:
    return source


def _empty(text: str, source: str, tag: str) -> str:
    return ""


def _wrong_script(text: str, source: str, tag: str) -> str:
    other = "Latn" if known_script(script_of(tag)) == "Cyrl" else "Cyrl"
    return _WORDS.sub(lambda word: write_word(word.group(), other) or word.group(), source)


def _cut_text(text: str, source: str, tag: str) -> str:
    return text[: len(text) // 3].rstrip() if len(text) > 8 else text


def _break_tags(text: str, source: str, tag: str) -> str:
    return _TAG.sub(lambda found: "<" + found.group(1), text, count=1)


def _lose_placeholders(text: str, source: str, tag: str) -> str:
    return _PLACEHOLDER.sub("", text)


def _chatter_value(text: str, source: str, tag: str) -> str:
    return f"Here is the translation: {text}"


def _refuse_value(text: str, source: str, tag: str) -> str:
    return "I'm sorry, but I can't help with that request."


def _error_text(text: str, source: str, tag: str) -> str:
    return "Error: translation failed (request timed out)"


_IN_ONE_SEGMENT: Mapping[str, Callable[[str, str, str], str]] = {
    "empty_value": _empty,
    "swapped_number": _swap_number,
    "dropped_number": _drop_number,
    "echo": _echo,
    "wrong_script": _wrong_script,
    "cut_text": _cut_text,
    "broken_tags": _break_tags,
    "lost_placeholders": _lose_placeholders,
    "chatter_value": _chatter_value,
    "refusal_value": _refuse_value,
    "error_text": _error_text,
}


def _chatter(content: str) -> str:
    return f"Sure! Here is the translation you asked for:\n\n{content}\n\nLet me know if you need anything else."


def _code_fence(content: str) -> str:
    return f"```json\n{content}\n```"


def _think(content: str) -> str:
    return f"<think>\nThe user wants a translation. I keep the numbers and the keys.\n</think>\n\n{content}"


def _refusal(content: str) -> str:
    return "I'm sorry, but I can't help with that request."


def _cut_content(content: str) -> str:
    return content[: len(content) * 2 // 3]


def _no_content(content: str) -> str:
    return ""


_WHOLE_REPLY: Mapping[str, Callable[[str], str]] = {
    "chatter": _chatter,
    "code_fence": _code_fence,
    "think": _think,
    "refusal": _refusal,
    "cut_content": _cut_content,
    "empty": _no_content,
}

DAMAGE_KINDS: tuple[str, ...] = ("missing_key", "extra_key", *_IN_ONE_SEGMENT, *_WHOLE_REPLY)


def spoil(kind: str, sources: Texts, texts: Texts, *, tag: str, pick: int) -> tuple[str, bool]:
    """Return the content of a reply spoilt by `kind`, and whether that changed anything.

    A kind that concerns one segment takes the first one, counted from number `pick`, in which it shows: a
    number can only be swapped where there is one. `tag` is the target's BCP 47 tag.
    """
    if kind in _WHOLE_REPLY:
        return _WHOLE_REPLY[kind](orjson.dumps(texts).decode()), True
    keys = list(texts)
    if not keys:
        return "{}", False
    start = pick % len(keys)
    if kind == "missing_key":
        return orjson.dumps({k: v for k, v in texts.items() if k != keys[start]}).decode(), True
    if kind == "extra_key":
        return orjson.dumps(texts | {"note": texts[keys[start]]}).decode(), True
    change = _IN_ONE_SEGMENT[kind]
    for key in keys[start:] + keys[:start]:
        changed = change(texts[key], sources[key], tag)
        if changed != texts[key]:
            return orjson.dumps(texts | {key: changed}).decode(), True
    return orjson.dumps(texts).decode(), False
