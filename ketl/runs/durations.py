"""Reads lengths of time as people write them."""

from __future__ import annotations

import re

from ketl.errors import SettingsError

_NUMBER = r"(\d+(?:\.\d+)?)"


_PLAIN = re.compile(_NUMBER)


_LENGTH = re.compile(rf"(?:{_NUMBER}\s*h)?\s*(?:{_NUMBER}\s*m(?:in)?)?\s*(?:{_NUMBER}\s*s)?", re.IGNORECASE)


def parse_length(text: str) -> float:
    """Return the seconds meant by `90`, `90s`, `3m`, `1h30m`. Raises SettingsError for anything else."""
    word = text.strip()
    # A bare number is seconds only when it stands alone: in “1h30” it is minutes to most people.
    found = _LENGTH.fullmatch(f"{word}s" if _PLAIN.fullmatch(word) else word)
    seconds = sum(float(n) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True) if n) if found else 0.0
    if seconds <= 0:
        raise SettingsError(f"“{text}” is no length of time. Write for example 90s, 3m or 1h30m.")
    return seconds
