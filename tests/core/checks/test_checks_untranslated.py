"""Texts that are still English, or in another language than the one asked for."""

from __future__ import annotations

import pytest

from ketl.checks import autofix
from ketl.language.glossary import Term
from ketl.language.languages import find_language
from tests.core.checks.helpers import LIDWELL, SUNSHIRK, findings

SOURCE = "Room for a tube, a multi-tool and the snacks that you do not plan to share. Bottle not included."


@pytest.mark.parametrize("language", ["es", "de", "nl", "vi", "ja", "ar", "ru", "ko", "th", "hi"])
def test_the_source_again_is_untranslated_in_every_language(language):
    assert findings(SOURCE, SOURCE, language) == ["untranslated"]


@pytest.mark.parametrize("text", [SOURCE.lower(), SOURCE.rstrip("."), f" {SOURCE}"])
def test_the_source_with_small_changes_is_untranslated(text):
    assert findings(SOURCE, text, "es")[0] == "untranslated"


def test_another_english_wording_is_untranslated():
    text = "There is space for a tube, your multi-tool and all the snacks that you will not share with anyone."
    assert findings(SOURCE, text, "it") == ["untranslated"]


def test_an_english_second_half_is_found():
    text = "Platz für einen Schlauch, ein Multitool and the snacks that you do not plan to share with your friends."
    assert findings(SOURCE, text, "de") == ["untranslated"]


def test_a_feature_list_that_stayed_english_is_untranslated():
    assert findings("Hidden zipper pocket, Taped seams", "Hidden zipper pocket, Taped seams", "fr", kind="list") == [
        "untranslated"
    ]


@pytest.mark.parametrize(
    ("source", "terms"),
    [
        ("UPF 50+", ()),
        ("S/M", ()),
        ("Sunshirk", (SUNSHIRK,)),
        ("600D", ()),
        ("55 x 32 x 24 cm", ()),
        ("{size}", ()),
    ],
)
def test_what_nobody_translates_may_stay(source, terms):
    assert findings(source, source, "es", terms=terms) == []
    assert findings(source, source, "ja", terms=terms) == []


def test_a_loanword_is_a_warning_and_silent_when_the_glossary_has_it():
    assert findings("Khaki", "Khaki", "de", kind="option") == ["same-as-source"]
    agreed = Term("Khaki", ("Khaki", "Khakigrün"), language_tag="de")
    assert findings("Khaki", "Khaki", "de", kind="option", terms=(agreed,)) == []


def test_an_option_that_the_glossary_translates_may_not_stay_english():
    navy = Term("Sand", ("Arena",), language_tag="es")
    assert findings("Sand", "Sand", "es", kind="option", terms=(navy,)) == ["untranslated"]


def test_an_english_title_is_untranslated_when_its_name_is_known():
    assert findings("Lidwell Neck Gaiter", "Lidwell Neck Gaiter", "es", kind="title", terms=(LIDWELL,)) == [
        "untranslated"
    ]
    assert findings("Lidwell Beanie", "Lidwell Beanie", "de", kind="title", terms=(LIDWELL,)) == ["same-as-source"]


def test_a_demo_text_marked_with_its_language_is_not_judged():
    assert findings(SOURCE, f"[es] {SOURCE}", "es") == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "Une sacoche pour ceux qui ne partagent pas leurs en-cas avec les autres et qui roulent sur les sentiers.",
            "es",
        ),
        (
            "Eine Tasche für alle, die ihre Snacks nicht mit den anderen teilen und auf dem Trail immer Hunger haben.",
            "it",
        ),
        ("Uma bolsa para quem não divide seus lanches com os outros e que também não se perde pelas trilhas.", "de"),
    ],
)
def test_another_language_of_the_same_script_is_a_warning(text, language):
    assert "language" in findings(SOURCE, text, language)


def test_traditional_characters_for_simplified_are_noticed():
    text = "這個包可以裝下內胎、多功能工具，還有你們不打算分給別人的零食，沒有附水瓶。"
    assert findings(SOURCE, text, "zh-Hans") == ["language"]
    assert findings(SOURCE, text, "zh-Hant") == []


def test_ukrainian_for_russian_is_noticed():
    text = "Місце для камери, мультитула й перекусів, якими ви не збираєтеся ділитися. Пляшка не входить, її ґвинт теж."
    assert findings(SOURCE, text, "ru") == ["language"]
    assert findings(SOURCE, text, "uk") == []


@pytest.mark.parametrize("language", ["da", "nb", "sv", "nl"])
def test_close_languages_and_names_are_left_alone(language):
    assert findings("Toelore Crew Socks", "Toelore Crew-sokker", language, kind="title") == []


SPEC = "95% Polyester, 5% Elastane, Weight: 356g (size M), Fabric weight: 261gsm"


@pytest.mark.parametrize("language", ["fr", "es", "de", "ru", "ja"])
def test_an_echo_is_found_after_the_automatic_fixes(language):
    """French spaces before the colons must not make the English text look translated."""
    mended = autofix(SPEC, find_language(language), SPEC)
    assert findings(SPEC, mended, language, kind="spec") == ["untranslated"]


def test_an_echo_with_french_spaces_is_found():
    spaced = SPEC.replace(":", "\u202f:").replace("%", "\u00a0%")
    assert findings(SPEC, spaced, "fr", kind="spec") == ["untranslated"]


@pytest.mark.parametrize("text", [SPEC.replace("Elastane", "Elasthan"), SPEC.replace("size M", "Größe M")])
def test_an_echo_with_one_word_changed_is_untranslated(text):
    assert "untranslated" in findings(SPEC, text, "de", kind="spec")


def test_a_translation_that_shares_loanwords_is_no_echo():
    german = "95 % Polyester, 5 % Elastan, Gewicht: 356 g (Größe M), Stoffgewicht: 261 g/m²"
    assert findings(SPEC, german, "de", kind="spec") == []
    source = "Palm: 60% Polyester, 40% Nylon, Back: 90% Nylon, 10% Spandex"
    dutch = "Handpalm: 60% polyester, 40% nylon, Bovenkant: 90% nylon, 10% spandex"
    assert findings(source, dutch, "nl", kind="spec") == []


@pytest.mark.parametrize(("mark", "language"), [("es", "es"), ("ja", "ja"), ("Arabic", "ar"), ("ru", "ru")])
@pytest.mark.parametrize("source", [SPEC, SOURCE, "Gatelag Hiking Pant"])
def test_a_demo_text_marked_with_its_language_has_no_finding_in_any_script(source, mark, language):
    assert findings(source, f"[{mark}] {source}", language, kind="list") == []
    assert findings(source, f"{source} ({mark})", language, kind="list") == []
