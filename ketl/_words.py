"""The words of messages: what must never be said is hidden, and near matches are named."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SECRET = re.compile(r"\b(gsk_[A-Za-z0-9_-]{4,}|org_[A-Za-z0-9]{4,}|sk-[A-Za-z0-9_-]{8,})")
_BEARER = re.compile(r"(?i)\bbearer\s+\S+")

# What a terminal obeys and what turns the direction of a line: in a foreign message they are not words.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")

_keys: set[str] = set()


def hide_key(key: str) -> None:
    """Never let this key into a message, whatever its shape: gateways have shapes of their own."""
    if len(key) >= 6:
        _keys.add(key)


def forget_keys() -> None:
    """Forget all keys that `hide_key` was given; for tests, since the process remembers them for good."""
    _keys.clear()


def without_keys(text: str) -> str:
    """Return `text` without the keys in use: a gateway may echo them where a translation should be."""
    for key in _keys:
        if key in text:
            text = text.replace(key, "…")
    return text


def plain(text: str) -> str:
    """Return a foreign message as one line of words, without signs that a terminal or a page would obey."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def redact(text: str) -> str:
    """Return `text` with API keys, bearer tokens and organization ids replaced by dots."""
    return _BEARER.sub("Bearer …", _SECRET.sub("…", without_keys(text)))


def near_matches(word: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Return up to `most` of `known` that resemble `word`, best first, ignoring case."""
    by_fold = {k.casefold(): k for k in known}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=most, cutoff=0.55)
    return [by_fold[f] for f in found]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean A or B?" for the near matches of `word`, or an empty string."""
    found = near_matches(word, known)
    return f" Did you mean {' or '.join(found)}?" if found else ""
