"""Reads how the brand speaks: the guidance that travels in a prompt, and how each language addresses people."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from ketl._shipped import shipped
from ketl.errors import SelectionError, SettingsError
from ketl.language.languages import Language, find_language

DEFAULT_BRAND_VOICE = shipped("data", "brand_voice.md")

# Which sections of the file matter for which kind of text, by how their headings begin. A colour name needs
# none: every word in a prompt is paid for with every request.
_SECTIONS_FOR: Mapping[str, tuple[str, ...]] = {
    "prose": ("tone", "do", "don't", "humour"),
    "title": ("do", "don't"),
    "list": ("do", "don't"),
    "spec": ("do", "don't"),
    "option": (),
}
_HEADING = re.compile(r"##\s+(.+)")


@dataclass(frozen=True, slots=True)
class Formality:
    """How one language speaks to its reader: `register` in a word (informal, formal), `address` the pronoun."""

    register: str
    address: str


@dataclass(frozen=True, slots=True)
class BrandVoice:
    """The brand's guidance: sections by heading in small letters, and formality by language tag."""

    sections: Mapping[str, str]
    formalities: Mapping[str, Formality]

    @classmethod
    def load(cls, path: str | Path | None = None) -> BrandVoice:
        """Return the brand voice in a Markdown file, by default the shipped one.

        Sections begin with "## heading"; the formality table is the one whose first column is "Language".
        Raises SettingsError, naming the line, when the file cannot be read or names an unknown language.
        """
        file = Path(path) if path is not None else DEFAULT_BRAND_VOICE
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise SettingsError(f"The brand voice {file} cannot be read ({error.strerror}). Check the path.") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"The brand voice {file.name} is not UTF-8 text. Save it as UTF-8.") from error
        return cls(_sections(text), _formalities(text, file.name))

    @property
    def version(self) -> str:
        """A short text that changes with every change of content."""
        content = repr((sorted(self.sections.items()), sorted((t, repr(f)) for t, f in self.formalities.items())))
        return blake2b(content.encode("utf-8", "replace"), digest_size=6).hexdigest()

    def guidance(self, kinds: Collection[str]) -> str:
        """Return what a prompt for texts of these field kinds should say, in the order of the file."""
        wanted = {name for kind in kinds for name in _SECTIONS_FOR.get(kind, ())}
        return "\n".join(body for heading, body in self.sections.items() if _kin(heading) in wanted)

    def formality(self, language: Language) -> Formality | None:
        """Return how to address readers of `language`, that of its base language failing that, else None."""
        return self.formalities.get(language.tag) or self.formalities.get(language.tag.partition("-")[0])


def _kin(heading: str) -> str:
    return heading.partition(":")[0].strip().replace("’", "'")


def _sections(text: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line.strip())
        if heading:
            current = found.setdefault(heading.group(1).casefold(), [])
        elif line.strip() and not line.startswith(("|", "#")):
            current.append(line.strip())
    return {heading: "\n".join(lines) for heading, lines in found.items() if lines}


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
