"""A language is found by whatever people call it, and an unknown one is never skipped in silence."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.errors import SelectionError
from ketl.language.languages import GROUPS, LANGUAGES, Language, find_language, find_languages
from ketl.provider.models import CHAINS

SPELLINGS = [
    (language, spelling)
    for language in LANGUAGES
    for spelling in (language.name, language.own_name, language.tag, *language.aliases)
]
# Their capitals fold to other letters than they came from: "ı" and dotted "İ" in Turkish, "ß" in German.
cased = st.sampled_from([str.lower, str.upper, str.title, str.casefold, str.swapcase, lambda word: word])


@given(st.sampled_from(SPELLINGS), cased, st.sampled_from(["{}", "  {} ", "\t{}\n"]))
def test_every_name_own_name_tag_and_alias_finds_its_language_in_any_case(spelling, case, frame):
    language, word = spelling
    assert find_language(frame.format(case(word))) is language


@pytest.mark.parametrize(("language", "word"), SPELLINGS, ids=lambda v: v if isinstance(v, str) else v.tag)
def test_every_spelling_finds_its_language(language: Language, word: str) -> None:
    assert find_language(word) is language
    assert find_language(unicodedata.normalize("NFD", word)) is language


def test_the_table_holds_the_languages_promised() -> None:
    names = {language.name for language in LANGUAGES}
    assert len(LANGUAGES) == len(names) == len({language.tag for language in LANGUAGES}) >= 30
    assert names >= {
        *("Spanish", "French", "German", "Italian", "Portuguese (Brazil)", "Dutch", "Polish", "Swedish", "Czech"),
        *("Turkish", "Russian", "Ukrainian", "Greek", "Japanese", "Chinese (Simplified)", "Chinese (Traditional)"),
        *("Korean", "Thai", "Vietnamese", "Indonesian", "Hindi", "Arabic", "Hebrew", "Persian", "Urdu"),
    }


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_every_record_is_sound(language: Language) -> None:
    assert language.group in GROUPS and language.group in CHAINS
    assert (language.direction == "rtl") == (language.script in ("Arab", "Hebr"))
    assert language.script[0].isupper() and len(language.script) == 4
    assert 0.3 <= language.expansion <= 1.5 and 0.9 <= language.chars_per_token <= 4.0
    letter = next(c for c in language.own_name if c.isalpha())
    direction = unicodedata.bidirectional(letter)
    assert (direction in ("R", "AL")) == (language.direction == "rtl")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("Spansh", "Spanish"), ("Germn", "German"), ("Japanes", "Japanese"), ("Portugese", "Portuguese"),
     ("Chinese (simplifed)", "Chinese (Simplified)"), ("Españo", "Español"), ("arabik", "Arabic")],
)  # fmt: skip
def test_a_misspelt_language_names_its_near_match(word: str, meant: str) -> None:
    with pytest.raises(SelectionError, match=f"“{word[:5]}.*Did you mean .*{meant[:8]}"):
        find_language(word)


@pytest.mark.parametrize("word", ["Klingon", "", "xx", "12", "🏔"])
def test_an_unknown_language_says_how_many_are_known(word: str) -> None:
    with pytest.raises(SelectionError, match=f"Choose one of the {len(LANGUAGES)} known"):
        find_language(word)


def test_languages_are_taken_once_in_the_order_given() -> None:
    found = find_languages(["ja", "Spanish", "日本語", "ES", find_language("ar")])
    assert [language.tag for language in found] == ["ja", "es", "ar"]
    assert find_languages([" ALL "]) == LANGUAGES
    assert find_languages(["ja", "all"])[0].tag == "ja" and len(find_languages(["ja", "all"])) == len(LANGUAGES)


def test_no_language_chosen_is_said() -> None:
    with pytest.raises(SelectionError, match="No language was chosen"):
        find_languages([])
