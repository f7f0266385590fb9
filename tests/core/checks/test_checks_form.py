"""Length, invisible characters, spaces, punctuation, capitals and address."""

from __future__ import annotations

import pytest

from ketl.checks import PROFILES, Limit, find_limit
from ketl.checks.profiles import count_chars
from ketl.errors import SettingsError
from tests.core.checks.helpers import findings


def test_a_text_longer_than_the_place_is_an_error():
    assert findings("Rain jacket", "Regenjacke", "de", limits=Limit(10)) == []
    assert findings("Rain jacket", "Regenjacke", "de", limits=Limit(9)) == ["max-length"]


def test_limits_count_what_the_target_counts():
    family = "👨‍👩‍👧‍👦"
    assert (count_chars(family, "graphemes"), count_chars(family, "code_points"), count_chars(family, "utf16")) == (
        1,
        7,
        11,
    )
    assert count_chars("café" + "\u0301", "graphemes") == 4
    assert count_chars("🇩🇪🇫🇷", "graphemes") == 2


def test_profiles_know_fields_and_kinds_and_name_near_matches():
    assert find_limit("ebay", "name", "title") == Limit(80)
    assert find_limit({"name": Limit(60)}, "name", "title") == Limit(60)
    assert find_limit("none", "name", "title").max_chars is None
    assert set(PROFILES) >= {"google-merchant", "amazon", "ebay", "shopify"}
    with pytest.raises(SettingsError, match="amazon"):
        find_limit("amazn", "name", "title")


def test_a_far_too_long_text_is_a_warning():
    source = "Snap loop, Odor resistant"
    text = "Una trabilla con botón de presión muy práctica que sirve para colgarla de una rama, resistente al mal olor"
    assert "length-ratio" in findings(source, text, "es")


@pytest.mark.parametrize("char", ["\u200b", "\ufeff", "\u00ad", "\u202e", "\u2060", "\x07"])
def test_an_invisible_character_is_a_warning(char):
    assert findings("Soft waistband", f"Weicher{char} Bund", "de") == ["invisible"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("می\u200cشود نرم", "fa"), ("क्\u200dष नरम", "hi"), ("นุ่ม\u200bมาก", "th"), ("\u200fרך מאוד", "he")],
)
def test_what_a_script_needs_is_not_called_invisible(text, language):
    assert findings("Soft waistband", text, language) == []


def test_letters_in_two_pieces_are_a_warning():
    assert findings("Grey", "Gru\u0308n", "de", kind="option") == ["invisible"]


@pytest.mark.parametrize("text", [" Weicher Bund", "Weicher Bund ", "Weicher  Bund"])
def test_odd_spaces_are_a_warning(text):
    assert findings("Soft waistband", text, "de") == ["spaces"]


def test_line_breaks_and_list_marks_are_counted():
    source = "Care:\n• Wash cold\n• Dry flat"
    assert findings(source, "Pflege:\n• Kalt waschen\n• Liegend trocknen", "de") == []
    assert findings(source, "Pflege:\n• Kalt waschen • Liegend trocknen", "de") == ["line-breaks", "bullets"]
    assert findings("Care:\n1. Wash cold", "お手入れ:\n1。冷水で洗う", "ja") == []
    assert findings(source, "Pflege:\nKalt waschen\nLiegend trocknen", "de") == ["bullets"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("水が苦手ですか？", "ja"),
        ("هل تخاف من الماء في الشارع؟", "ar"),
        ("Φοβάσαι το νερό και τη βροχή;", "el"),
        ("¿Te da miedo el agua de la lluvia?", "es"),
    ],
)
def test_a_question_mark_of_the_script_is_a_question_mark(text, language):
    assert findings("Afraid of water?", text, language) == []


def test_another_end_mark_is_told():
    assert findings("Afraid of water?", "No le temes al agua de la lluvia.", "es") == ["end-punctuation"]


def test_local_typography_is_told_only_in_plain_text_of_the_language():
    source = "Ready for the rain? Always: yes!"
    assert findings(source, "Prêt pour la pluie\u202f? Toujours\u202f: oui\u202f!", "fr") == []
    assert findings(source, "Prêt pour la pluie dans les bois? Toujours: oui!", "fr") == ["typography"]
    assert findings(source, "Prêt pour la pluie dans les bois? Toujours: oui!", "fr-CA") == []
    assert findings(source, "Rëâdy fôr thë râïn? Âlwâys: yës!", "fr") == []


def test_brackets_are_balanced_in_any_shape():
    source = "Travel Pant (Slim Fit)"
    assert findings(source, "トラベルパンツ（スリムフィット）", "ja") == []
    assert findings(source, "트래블 팬츠 (슬림 핏)", "ko") == []
    assert "brackets" in findings(source, "Pantalón de viaje (corte ajustado", "es")
    assert "brackets" in findings(source, "Pantalón de viaje, corte ajustado", "es")


def test_emoticons_and_inch_marks_are_no_brackets_or_quotes():
    assert findings('Relaxed attitude, 7" :)', 'Actitud relajada, 7" :)', "es") == []


def test_a_stutter_is_told_and_grammar_is_not():
    assert findings("Soft waistband for hikers", "Weicher weicher Bund für Wanderer", "de") == ["repeated-word"]
    assert findings("You see each other", "Vous vous voyez", "fr") == []
    assert findings("Various pockets", "Saku saku yang berbeda", "id") == []


def test_a_shouted_title_is_told():
    assert findings("Rain jacket", "CHAQUETA IMPERMEABLE", "es", kind="title") == ["capitals"]
    assert findings("RAIN JACKET", "CHAQUETA IMPERMEABLE", "es", kind="title") == []


SENTENCE = "Your hands stay warm and you keep riding."


@pytest.mark.parametrize(
    ("informal", "formal", "language"),
    [
        ("Deine Hände bleiben warm und du fährst weiter.", "Ihre Hände bleiben warm, und so fahren Sie weiter.", "de"),
        ("Tes mains restent au chaud et tu roules encore.", "Vos mains restent au chaud et vous roulez encore.", "fr"),
        ("Tus manos siguen calientes y tú sigues rodando.", "Sus manos siguen calientes y usted sigue rodando.", "es"),
        ("Твои руки в тепле, и ты едешь дальше.", "Ваши руки в тепле, и вы едете дальше.", "ru"),
        ("Je handen blijven warm en je rijdt door.", "Uw handen blijven warm en u rijdt door.", "nl"),
    ],
)
def test_the_unwanted_address_is_a_warning(informal, formal, language):
    assert findings(SENTENCE, informal, language, formality="informal") == []
    assert findings(SENTENCE, formal, language, formality="formal") == []
    assert findings(SENTENCE, informal, language, formality="formal") == ["formality"]
    assert findings(SENTENCE, formal, language, formality="informal") == ["formality"]
    assert findings(SENTENCE, formal, language) == []


def test_mixed_address_is_a_warning_whatever_is_wanted():
    assert findings(SENTENCE, "Deine Hände bleiben warm, und so fahren Sie weiter.", "de") == ["formality"]
