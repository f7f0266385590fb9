"""Numbers under both locales' rules and in any digit script."""

from __future__ import annotations

import pytest

from tests.core.checks.helpers import findings, message


@pytest.mark.parametrize(
    ("source", "text", "language", "kind"),
    [
        ("Now 29.99", "Jetzt 29,99", "de", "prose"),
        ("Now 29.99", "الآن ٢٩٫٩٩", "ar", "prose"),
        ("Now 29.99", "अब २९.९९", "hi", "prose"),
        ("Now 29.99", "今なら２９．９９", "ja", "prose"),
        ("Holds 1,299.50", "Fasst 1.299,50", "de", "prose"),
        ("Holds 1,299.50", "Contient 1\u202f299,50", "fr", "prose"),
        ("Waterproof 20,000 mm", "Imperméable 20 000 mm", "fr", "list"),
        ("Waterproof 20,000 mm", "Wasserdicht 20.000 mm", "de", "list"),
        ("Waterproof 20,000 mm", "耐水圧2万mm", "ja", "list"),
        ("Waterproof 20,000 mm", "Водонепроницаемость 20 000 мм", "ru", "list"),
        ("4 pockets", "vier Taschen", "de", "list"),
        ("2 zipper pockets", "جيبان بسحاب", "ar", "list"),
        ("4-way stretch", "Четырёхсторонний стретч", "ru", "list"),
        ("Five panels, one brim", "5枚のパネルとつば1つ", "ja", "prose"),
        ("Cold start at 9 p.m.", "Kalter Start um 21 Uhr", "de", "prose"),
        ("Cold start at 9 p.m.", "Départ à 21:00", "fr", "prose"),
        ("On the 3rd try", "Beim dritten Versuch", "de", "prose"),
        ("From -5 to 10 °C", "Von −5 bis 10 °C", "de", "prose"),
        ("From -5 to 10 °C", "零下5到10 °C", "zh", "prose"),
        ("Fabric weight: 79gsm", "Gramaje: 79 g/m2", "es", "spec"),
        ('<a href="/p/12">Shorts</a>', '<a href="/p/12">Pantalón corto</a>', "es", "prose"),
        ("Pack 2 pairs for a week", "Nimm 2 Paar für 1 Woche mit", "de", "prose"),
    ],
)
def test_the_same_value_in_another_dress_passes(source, text, language, kind):
    assert findings(source, text, language, kind=kind) == []


@pytest.mark.parametrize(
    ("source", "text", "language", "kind"),
    [
        ("Weight: 121g", "Peso: 112 g", "es", "spec"),
        ("Weight: 121g", "Gewicht: 1,21 g", "de", "spec"),
        ("Weight: 11.2 oz", "重量：112オンス", "ja", "spec"),
        ("UPF 50+, Quick-dry", "UPF+, secado rápido", "es", "list"),
        ("3 back pockets", "bolsillos traseros", "es", "list"),
        ("Fits heads from 55 to 61 cm", "Für Köpfe von 55 bis 61 cm, 2 Größen", "de", "prose"),
        ("18 km a day", "١٩ كم في اليوم", "ar", "prose"),
        ("Pack 2 pairs, day two", "Neem een paar mee, dag 7", "nl", "prose"),
    ],
)
def test_a_lost_added_or_changed_number_is_an_error(source, text, language, kind):
    assert "numbers" in findings(source, text, language, kind=kind)


def test_the_message_names_both_numbers():
    assert message("Weight: 121g", "Peso: 112 g", "es", "numbers") == "The number 121 is missing; found 112 instead."


def test_swapped_shares_of_a_material_are_an_error():
    source = "94% Nylon, 6% Elastane"
    assert findings(source, "94 % nailon, 6 % elastano", "es", kind="spec") == []
    assert findings(source, "6 % nailon, 94 % elastano", "es", kind="spec") == ["numbers"]


def test_a_size_may_be_named_before_the_weight():
    assert findings("Weight: 9.8 oz in size 34", "重量：サイズ34で9.8オンス", "ja", kind="spec") == []


def test_a_lone_one_that_melts_into_the_grammar_is_a_warning_only():
    assert findings("1 zipper pocket on the chest", "Poche zippée sur la poitrine", "fr", kind="list") == [
        "small-number"
    ]
    assert findings("1 zipper pocket on the chest", "Une poche zippée sur la poitrine", "fr", kind="list") == []


def test_a_word_answers_to_the_word_of_the_source_first():
    source = "Civil on day two. Pack 2 pairs for the trip."
    assert findings(source, "Anständig an Tag zwei. Pack 2 Stück für die Reise ein.", "de") == []
    assert findings(source, "Anständig an Tag zwei. Pack Stück für die Reise ein.", "de") == ["numbers"]


def test_english_decimals_in_a_plainly_spanish_text_are_a_warning():
    source = "It weighs 11.2 oz in size M"
    assert findings(source, "Pesa solo 11,2 oz en la talla M", "es") == []
    assert findings(source, "Pesa solo 11.2 oz en la talla M", "es") == ["number-format"]
    assert findings(source, "Pesa solo 11.2 oz en la talla M", "es-MX") == []


def test_a_lost_minus_is_a_warning():
    source = "Comfortable from about -5 to 10 °C."
    assert findings(source, "Angenehm von etwa 5 bis 10 °C.", "de") == ["number-format"]
    assert findings(source, "Angenehm von etwa minus 5 bis 10 °C.", "de") == []


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        ("Towel (60 x 120 cm)", "Toalla (60 × 120 cm)", "Toalla (120 × 60 cm)"),
        ("Bag, 55 x 32 x 24 cm", "Bolsa, 55 x 32 x 24 cm", "Bolsa, 55 x 24 x 32 cm"),
        ("Strap 70-120 cm", "Correa de 70 a 120 cm", "Correa de 120 a 70 cm"),
    ],
)
def test_measures_keep_their_order(source, right, wrong):
    assert findings(source, right, "es") == []
    assert "dimension-order" in findings(source, wrong, "es")
