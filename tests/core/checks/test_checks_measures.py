"""Units beside numbers, and currencies."""

from __future__ import annotations

import pytest

from tests.core.checks.helpers import findings, message


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ('Shorts 12"', "Shorts 12 Zoll", "de"),
        ('Shorts 12"', "Short 12 po", "fr"),
        ('Shorts 12"', "ショーツ 12インチ", "ja"),
        ('Shorts 12"', "Шорты 12 дюймов", "ru"),
        ('Shorts 12"', "شورت 12 بوصة", "ar"),
        ("Weight: 12.4 oz", "Peso: 12,4 onzas", "es"),
        ("Weight: 12.4 oz", "Waga: 12,4 uncji", "pl"),
        ("Weight: 12.4 oz", "重量：12.4盎司", "zh"),
        ("Fabric weight: 79gsm", "Grammatura: 79 g/m²", "it"),
        ("Fabric weight: 79gsm", "Gramaje: 79 gramos por metro cuadrado", "es"),
        ("Weight: 38g per pair", "Peso: 38 g al paio", "it"),
        ("Weight: 38g per pair", "Waga: 38 g za parę", "pl"),
        ("100% Polyester", "%100 polyester", "tr"),
        ("100% Polyester", "100٪ بوليستر", "ar"),
        ("Chamois for 2-4 hour rides", "Памперс для поездок на 2–4 часа", "ru"),
        ("Planned to walk 18 km.", "18 km歩く予定でした。", "ja"),
        ("2 in 1 shorts", "2 in 1 Shorts für dich", "de"),
        ("5-panel cap, 2-way zipper", "Casquette 5 panneaux, zip 2 voies", "fr"),
        ("About 6.2-7.4 oz", "Unos 6,2–7,4 oz", "es"),
        ("About 6.2-7.4 oz", "约6.2～7.4盎司", "zh"),
    ],
)
def test_a_localised_unit_passes(source, text, language):
    assert findings(source, text, language, kind="spec") == []


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("Weight: 14 lbs", "Peso: 14 kg", "es"),
        ("Weight: 14 lbs", "重量：14公斤", "zh"),
        ('Inseam 7"', "Schrittlänge 7 cm", "de"),
        ("Weight: 2.2 lb", "Poids : 2,2", "fr"),
        ("Fabric weight: 79gsm", "Gramaje: 79 g", "es"),
        ("100% Polyester", "100 Poliéster", "es"),
        ("Silicone on 2 fingers, palm 1-2 mm", "Silicona en 2 dedos, palma de 1-2 cm", "es"),
        ("Length 43 cm", "Длина 43 дюйма", "ru"),
    ],
)
def test_a_wrong_or_lost_unit_is_an_error(source, text, language):
    assert "units" in findings(source, text, language, kind="spec")


def test_the_message_says_what_became_of_the_unit():
    assert message("Weight: 14 lbs", "Peso: 14 kg", "es", "units") == "14 lb became 14 kg."


def test_an_unknown_word_after_a_number_is_taken_on_trust_where_the_tables_are_thin():
    assert findings("Weight: 14 oz", "Vekt: 14 onzer", "nb", kind="spec") == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Solo 69 $", "es"),
        ("Nur 69 US-Dollar", "de"),
        ("わずか69ドル", "ja"),
        ("Всего 69 долларов", "ru"),
        ("仅需69美元", "zh"),
    ],
)
def test_a_currency_may_be_said_in_words(text, language):
    assert findings("Only $69", text, language) == []


@pytest.mark.parametrize(("text", "language"), [("Solo 69 €", "es"), ("Nur 69", "de"), ("わずか¥69", "ja")])
def test_another_or_no_currency_is_an_error(text, language):
    assert "currency" in findings("Only $69", text, language)
