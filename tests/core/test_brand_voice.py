"""The brand voice gives each kind of text its guidance and each language its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from ketl.errors import SettingsError
from ketl.language.brand_voice import BrandVoice, Formality
from ketl.language.languages import find_language

VOICE = """# Voice
## Tone
- Dry and short.
## Don't
- No hype.
## Formality by language
| Language | Formality | Address |
|---|---|---|
| German | informal | du |
| Spanish | informal | tú |
"""


def voice(tmp_path: Path, text: str) -> BrandVoice:
    file = tmp_path / "voice.md"
    file.write_text(text, encoding="utf-8")
    return BrandVoice.load(file)


def test_prose_gets_the_tone_lists_only_the_rules_colours_nothing(tmp_path: Path) -> None:
    read = voice(tmp_path, VOICE)
    assert read.guidance(["prose", "option"]) == "- Dry and short.\n- No hype."
    assert read.guidance(["list"]) == "- No hype."
    assert read.guidance(["option"]) == ""


def test_formality_falls_back_to_the_base_language_and_else_is_unknown(tmp_path: Path) -> None:
    read = voice(tmp_path, VOICE)
    assert read.formality(find_language("German")) == Formality("informal", "du")
    assert read.formality(find_language("es-MX")) == Formality("informal", "tú")
    assert read.formality(find_language("Japanese")) is None


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    assert voice(tmp_path, VOICE).version == voice(tmp_path, VOICE + "\n\n").version
    assert voice(tmp_path, VOICE).version != voice(tmp_path, VOICE.replace("| du |", "| Sie |")).version


def test_the_shipped_voice_addresses_every_shipped_language() -> None:
    shipped = BrandVoice.load()
    languages = ("es", "fr", "de", "it", "pt-BR", "nl", "pl", "ja", "zh-Hans", "ko", "ar", "ru")
    assert all(shipped.formality(find_language(tag)) for tag in languages)
    assert "Keep every fact" in shipped.guidance(["title"])
    assert "joke" in shipped.guidance(["prose"])


def test_a_faulty_table_is_told_by_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="line 9: The language “Germn” is not known. Did you mean German"):
        voice(tmp_path, VOICE.replace("| German |", "| Germn |"))
    with pytest.raises(SettingsError, match="line 9: a row needs language, formality and address"):
        voice(tmp_path, VOICE.replace("| informal | du |", "| du |"))
    with pytest.raises(SettingsError, match="cannot be read"):
        BrandVoice.load(tmp_path / "missing.md")
