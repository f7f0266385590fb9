"""The brand voice says who speaks and how, and gives each language its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from ketl.errors import SettingsError
from ketl.language.brand_voice import BrandVoice, Formality
from ketl.language.languages import find_language

VOICE = """# Voice
## In every prompt
- Brand: Fell & Fen, a hat shop.
- Voice: a dry voice
## Tone
- Dry and short.
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


def test_what_is_said_under_in_every_prompt_travels_and_nothing_else(tmp_path: Path) -> None:
    read = voice(tmp_path, VOICE)
    assert (read.brand, read.voice) == ("Fell & Fen, a hat shop", "a dry voice")
    assert "Dry and short" not in repr(read)
    assert voice(tmp_path, "# Voice\n- Brand: Elsewhere\n").brand == BrandVoice().brand


def test_formality_falls_back_to_the_base_language_and_else_is_unknown(tmp_path: Path) -> None:
    read = voice(tmp_path, VOICE)
    assert read.formality(find_language("German")) == Formality("informal", "du")
    assert read.formality(find_language("es-MX")) == Formality("informal", "tú")
    assert read.formality(find_language("Japanese")) is None


def test_the_shipped_voice_addresses_every_shipped_language() -> None:
    shipped = BrandVoice.load()
    languages = ("es", "fr", "de", "it", "pt-BR", "nl", "pl", "ja", "zh-Hans", "ko", "ar", "ru")
    assert all(shipped.formality(find_language(tag)) for tag in languages)
    assert "KETL Mtn. Apparel" in shipped.brand and "dry" in shipped.voice


def test_a_faulty_table_is_told_by_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="line 10: The language “Germn” is not known. Did you mean German"):
        voice(tmp_path, VOICE.replace("| German |", "| Germn |"))
    with pytest.raises(SettingsError, match="line 10: a row needs language, formality and address"):
        voice(tmp_path, VOICE.replace("| informal | du |", "| du |"))
    with pytest.raises(SettingsError, match="cannot be read"):
        BrandVoice.load(tmp_path / "missing.md")
