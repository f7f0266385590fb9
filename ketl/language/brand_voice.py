"""Reads how the brand speaks: who it is and in which voice, and how each language addresses its readers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ketl._shipped import shipped
from ketl.errors import SelectionError, SettingsError
from ketl.language.languages import Language, find_language

DEFAULT_BRAND_VOICE = shipped("data", "brand_voice.md")

IN_EVERY_PROMPT = "in every prompt"
_HEADING = re.compile(r"##\s+(.+)")
_ENTRY = re.compile(r"-\s*(Brand|Voice):\s*(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Formality:
    """How one language speaks to its reader: `register` in a word (informal, formal), `address` the pronoun."""

    register: str
    address: str


@dataclass(frozen=True, slots=True)
class BrandVoice:
    """What of the brand travels to a model: who it is, its voice in a few words, and formality by language tag."""

    brand: str = "an online shop"
    voice: str = "a clear, friendly voice"
    formalities: Mapping[str, Formality] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path | None = None) -> BrandVoice:
        """Return the brand voice in a Markdown file, by default the shipped one.

        The lines "- Brand: …" and "- Voice: …" under the heading "In every prompt" go to the model; the formality
        table is the one whose first column is "Language"; the rest of the file is for people.
        Raises SettingsError, naming the line, when the file cannot be read or names an unknown language.
        """
        file = Path(path) if path is not None else DEFAULT_BRAND_VOICE
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise SettingsError(f"The brand voice {file} cannot be read ({error.strerror}). Check the path.") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"The brand voice {file.name} is not UTF-8 text. Save it as UTF-8.") from error
        return cls(**_said(text), formalities=_formalities(text, file.name))

    def formality(self, language: Language) -> Formality | None:
        """Return how to address readers of `language`, that of its base language failing that, else None."""
        return self.formalities.get(language.tag) or self.formalities.get(language.tag.partition("-")[0])


def _said(text: str) -> dict[str, str]:
    """Return the lines "- Name: words" under the heading that says what travels in every prompt."""
    found: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line.strip())
        if heading:
            inside = heading.group(1).casefold() == IN_EVERY_PROMPT
        elif inside and (entry := _ENTRY.fullmatch(line.strip())):
            found[entry.group(1).casefold()] = entry.group(2).rstrip(".")
    return found


def _formalities(text: str, name: str) -> dict[str, Formality]:
    found: dict[str, Formality] = {}
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            inside = False
        elif cells[0].casefold() == "language":
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            if len(cells) < 3:
                raise SettingsError(
                    f"The brand voice {name}, line {number}: a row needs language, formality and address."
                )
            try:
                found[find_language(cells[0]).tag] = Formality(cells[1], cells[2])
            except SelectionError as error:
                raise SettingsError(f"The brand voice {name}, line {number}: {error}") from error
    return found
