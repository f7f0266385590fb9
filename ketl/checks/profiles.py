"""Length profiles: how long a field may be in each shop system or feed, and what it counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ketl._words import did_you_mean
from ketl.errors import SettingsError

Count = Literal["code_points", "utf16", "graphemes"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest text a place takes: `max_chars` (None: no limit) counted as `count` says."""

    max_chars: int | None = None
    count: Count = "code_points"


NO_LIMIT = Limit()

# Google: product data specification; Amazon, eBay: their seller help; Shopify: its product form, which
# counts as JavaScript does. Search-result advice (60 and 160 characters) is no limit and is not here.
# A profile names fields ("name") or, where the field is not named, kinds ("prose").
PROFILES: Mapping[str, Mapping[str, Limit]] = {
    "none": {},
    "google-merchant": {
        "title": Limit(150),
        "list": Limit(5000),
        "spec": Limit(5000),
        "prose": Limit(5000),
        "option": Limit(100),
    },
    "amazon": {
        "title": Limit(200),
        "list": Limit(500),
        "spec": Limit(500),
        "prose": Limit(2000),
        "option": Limit(50),
    },
    "ebay": {"title": Limit(80), "prose": Limit(4000), "option": Limit(65)},
    "shopify": {"title": Limit(255, "utf16"), "option": Limit(255, "utf16")},
}


def find_limit(profile: str | Mapping[str, Limit], field: str, kind: str) -> Limit:
    """Return the limit for a field: by its name, else by its kind, else none.

    `profile` is the name of a shipped profile or a mapping of one's own. Raises SettingsError for an
    unknown name.
    """
    if isinstance(profile, str):
        known = PROFILES.get(profile.strip().casefold())
        if known is None:
            raise SettingsError(
                f"The length profile “{profile}” is not known.{did_you_mean(profile, PROFILES)} "
                f"Profiles: {', '.join(PROFILES)}."
            )
        profile = known
    return profile.get(field) or profile.get(kind) or NO_LIMIT


def count_chars(text: str, count: Count) -> int:
    """Return the length of `text` in the unit that the place counts in."""
    if text.isascii() or count == "code_points":
        return len(text)
    if count == "utf16":
        return len(text) + sum(char > "\uffff" for char in text)
    return _count_graphemes(text)


def _count_graphemes(text: str) -> int:
    """Count what a reader sees as one character: marks, joiners, skin tones and flag halves join their base."""
    total = 0
    joined = False
    flag_open = False
    for char in text:
        if char == "\u200d":
            joined = True
            continue
        if unicodedata.category(char) in ("Mn", "Me", "Mc") or "\U0001f3fb" <= char <= "\U0001f3ff":
            continue
        if "\U0001f1e6" <= char <= "\U0001f1ff":
            flag_open = not flag_open
            total += flag_open
        else:
            flag_open = False
            total += not joined
        joined = False
    return total
