"""Replies that are no translation, or only a part of one."""

from __future__ import annotations

import pytest

from tests.core.checks.helpers import LIDWELL, findings

SOURCE = "Dries you, the dog and the kitchen floor, ideally in that order. It rolls up smaller than a water bottle."
SPANISH = (
    "Te seca a ti, al perro y el suelo de la cocina, a ser posible en ese orden. Enrollada ocupa menos que un bidón."
)
GERMAN = (
    "Trocknet dich, den Hund und den Küchenboden, am besten in dieser Folge. Gerollt kleiner als eine Trinkflasche."
)
JAPANESE = "あなたと犬とキッチンの床を、できればこの順番で乾かします。巻けば水のボトルより小さくなります。"


@pytest.mark.parametrize(("text", "language"), [(SPANISH, "es"), (GERMAN, "de"), (JAPANESE, "ja")])
def test_a_plain_translation_has_no_finding(text, language):
    assert findings(SOURCE, text, language) == []


@pytest.mark.parametrize("text", ["", "   ", "\n", "—", "…", "null", "None", "N/A", "undefined"])
def test_blank_replies_and_programs_words_for_nothing_are_empty(text):
    assert findings(SOURCE, text, "es") == ["empty"]


def test_text_for_a_blank_source_is_an_error():
    assert findings("  ", "Algo", "es") == ["empty"]


def test_a_dash_for_a_dash_is_right():
    assert findings("—", "—", "ja") == []


@pytest.mark.parametrize(
    "text",
    [
        f"Here is the translation: {SPANISH}",
        f"Sure! Here's the Spanish version:\n\n{SPANISH}",
        f"Certainly, {SPANISH}",
        f"Translation: {SPANISH}",
        f"Aquí tienes la traducción: {SPANISH}",
        f"{SPANISH}\n\nNote: I kept the joke.",
        f"{SPANISH} Let me know if you need anything else!",
        f"```\n{SPANISH}\n```",
        f"<think>The user wants Spanish.</think>{SPANISH}",
        f'{{"translation": "{SPANISH}"}}',
        f"«{SPANISH}»",
        f'"{SPANISH}"',
    ],
)
def test_talk_around_the_translation_is_chatter(text):
    assert findings(SOURCE, text, "es") == ["chatter"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (f"以下は翻訳です：{JAPANESE}", "ja"),
        ("翻译：把你、狗和厨房地板擦干，最好按这个顺序。卷起来比水瓶还小。", "zh"),
        ("Вот перевод: Сушит вас, собаку и пол на кухне, лучше в этом порядке. Скатывается меньше бутылки.", "ru"),
    ],
)
def test_chatter_is_known_in_other_languages(text, language):
    assert findings(SOURCE, text, language) == ["chatter"]


def test_a_source_that_begins_so_itself_is_no_chatter():
    assert (
        findings("Note: wash it cold and dry it flat.", "Note\u202f: lavez-le à froid et séchez-le à plat.", "fr") == []
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I'm sorry, but I can't help with that request.", "es"),
        ("I cannot translate this content.", "ja"),
        ("As an AI language model, I am unable to do this.", "ru"),
        ("Lo siento, pero no puedo ayudar con eso.", "es"),
        ("Es tut mir leid, aber ich kann das nicht übersetzen.", "de"),
        ("申し訳ありませんが、この内容は翻訳できません。", "ja"),
        ("抱歉，我无法翻译此内容。", "zh"),
        ("عذرًا، لا أستطيع ترجمة هذا النص.", "ar"),
    ],
)
def test_refusals_are_found(text, language):
    assert findings(SOURCE, text, language) == ["refusal"]


def test_a_source_that_says_sorry_may_say_it_in_the_translation():
    source = "Sorry, we sold out of the blue one again."
    assert findings(source, "Lo siento, hemos vuelto a agotar el azul.", "es") == []


@pytest.mark.parametrize(
    "text",
    [
        "Error: translation failed (request timed out)",
        "Error 429: Too Many Requests",
        "Internal Server Error",
        "Traceback (most recent call last):",
        "groq.RateLimitError: rate limit reached",
        '{"error": {"message": "quota exceeded"}}',
        "HTTP 503",
        "<!DOCTYPE html><html>",
    ],
)
def test_error_texts_are_found(text):
    assert findings(SOURCE, text, "pl") == ["error-text"]


def test_a_reply_stopped_at_the_length_limit_is_truncated():
    assert "truncated" in findings("Black", "Neg", "es", finish_reason="length")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (SPANISH[:60], "es"),
        (SPANISH[:95], "es"),
        (GERMAN[: len(GERMAN) // 3], "de"),
        (JAPANESE[:20], "ja"),
        (JAPANESE[:38], "ja"),
    ],
)
def test_prose_that_breaks_off_is_truncated(text, language):
    assert findings(SOURCE, text, language) == ["truncated"]


def test_a_list_that_lost_entries_is_truncated():
    source = "UPF 50+, Quick-dry, Breathable, Odor resistant, Thumbholes, Hidden zipper pocket"
    whole = "UPF 50+, séchage rapide, respirant, anti-odeurs, passe-pouces, poche zippée dissimulée"
    assert findings(source, whole, "fr", kind="list") == []
    assert findings(source, "UPF 50+, séchage rapide, respirant", "fr", kind="list") == ["truncated"]
    assert findings(source, "UPF 50+, séchage rapide, respirant, anti-odeurs, passe-pouces,", "fr", kind="list") == [
        "truncated"
    ]


def test_a_list_in_another_script_counts_its_own_marks():
    source = "UPF 50+, Quick-dry, Breathable, Odor resistant, Thumbholes"
    assert findings(source, "UPF 50+、速乾性、通気性、防臭、サムホール", "ja", kind="list") == []
    assert (
        findings(source, "UPF 50+، سريع الجفاف، يسمح بمرور الهواء، مقاوم للروائح، فتحات للإبهام", "ar", kind="list")
        == []
    )


def test_text_that_ends_inside_a_tag_is_truncated():
    assert findings("<b>Soft</b> waistband", "<b>Weicher</b", "de") == ["tags", "truncated"]


def test_a_title_that_is_only_its_name_is_truncated():
    assert findings("Lidwell Neck Gaiter", "Lidwell", "fr", kind="title", terms=(LIDWELL,)) == ["truncated"]


def test_a_short_option_is_not_called_truncated():
    assert findings("Charcoal", "炭灰", "zh", kind="option") == []


@pytest.mark.parametrize(
    "text",
    [
        "[ERROR] model overloaded",
        "[Error]",
        "<error>",
        "[Fehler] Dienst nicht erreichbar",
        "The model is currently overloaded",
        "Service temporarily unavailable",
        "Server busy, please try again later",
        "Timeout",
    ],
)
@pytest.mark.parametrize(("source", "kind"), [("Plum", "option"), ("Weight: 121g", "spec")])
def test_error_texts_of_servers_are_found_in_short_fields(text, source, kind):
    assert findings(source, text, "de", kind=kind) == ["error-text"]


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("Never overloaded: carries 12 L.", "Nie überladen: fasst 12 L.", "de"),
        ("A margin of error of 2 mm.", "2 mm Toleranz, kein Error.", "de"),
        ("Warning: makes you run faster.", "Warnung: macht schneller.", "de"),
        ("Try it later again", "Versuch es später noch mal", "de"),
    ],
)
def test_words_of_trouble_in_right_translations_are_no_error_text(source, text, language):
    assert "error-text" not in findings(source, text, language)


FEATURES = "UPF 50+, Quick-dry, Breathable"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("UPF 50+, แห้งไว, ระบายอากาศ (Note: translated literally)", "th"),
        ("UPF 50+、速乾性、通気性 (Note: translated literally)", "ja"),
        ("UPF 50+、速乾性、通気性（注：直訳です）", "ja"),
        ("UPF 50+, schnelltrocknend, atmungsaktiv (translated literally)", "de"),
        ("UPF 50+, séchage rapide, respirant (Remarque : traduction littérale)", "fr"),
        ("UPF 50+, snabbtorkande, ventilerande [Translator's note: kept the code]", "sv"),
        ("UPF 50+, cepat kering, berpori (N.B. literal)", "id"),
    ],
)
def test_a_remark_in_brackets_after_a_list_is_chatter(text, language):
    assert findings(FEATURES, text, language, kind="list") == ["chatter"]


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("Quick-dry (note: not in the tumble dryer)", "Schnelltrocknend (Hinweis: nicht im Trockner)", "de"),
        ("Shorts with notes pocket", "Shorts mit Notiztasche (für Notizen)", "de"),
        ("Weight: 121g (size M)", "Poids\u202f: 121 g (taille M)", "fr"),
    ],
)
def test_brackets_that_belong_to_the_text_are_no_remark(source, text, language):
    assert findings(source, text, language, kind="spec") == []
