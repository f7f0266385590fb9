"""The provider's tiers (its plans): which limits a key starts from, by name or from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ketl.errors import SettingsError
from ketl.provider.limits import UNLIMITED, Limits

FREE = Limits(rpm=30, tpm=8_000, rpd=1_000, tpd=200_000)
DEVELOPER = Limits(rpm=1_000, tpm=250_000, rpd=500_000)
TIERS: Mapping[str, Limits] = {"free": FREE, "developer": DEVELOPER, "unlimited": UNLIMITED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The limits to start from: by model id, and for models not named; `auto` follows what answers say.

    `path` is the file it was read from, None for a plan with a name of its own.
    """

    name: str
    path: str | None = None
    default: Limits = UNLIMITED
    by_model: Mapping[str, Limits] | None = None
    auto: bool = False

    def limits_of(self, model: str) -> Limits:
        """Return the limits that `model` starts from."""
        return (self.by_model or {}).get(model, self.default)


def load_tier(word: str) -> Tier:
    """Return the tier meant by `auto`, `free`, `developer`, `unlimited`, or the path of a JSON file.

    Raises SettingsError when the file is missing or holds anything else than limits by model.
    """
    if word == "auto":
        return Tier(name="auto", default=FREE, auto=True)
    if word in TIERS:
        return Tier(name=word, default=TIERS[word])
    path = Path(word)
    if not path.is_file():
        raise SettingsError(
            f"The plan “{word}” is neither auto, free, developer or unlimited, nor an existing JSON file with limits."
        )
    try:
        data = json.loads(path.read_text("utf-8-sig"))
        by_model = {str(model): _read_limits(row) for model, row in data.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SettingsError(
            f"The plan file {path.name} cannot be read: it must be JSON of the form "
            '{"model": {"rpm": 30, "tpm": 8000}}, figures positive or null.'
        ) from error
    return Tier(name=path.name, path=str(path), by_model=by_model)


def _read_limits(row: Mapping[str, object]) -> Limits:
    known = Limits.__dataclass_fields__
    unknown = [key for key in row if key not in known]
    if unknown:
        raise ValueError(f"unknown limit {unknown[0]}")
    values: dict[str, float | None] = {}
    for key, value in row.items():
        if value is None:
            values[key] = None
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            raise ValueError(f"{key} is no positive figure")
        else:
            values[key] = value
    return Limits(**values)
