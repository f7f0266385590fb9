"""Codes, addresses, protected names and glossary terms."""

from __future__ import annotations

import pytest

from ketl.language.glossary import Term
from tests.core.checks.helpers import LIDWELL, SUNSHIRK, findings, message


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("UPF 50+, Quick-dry", "UPF50+、速乾性", "ja"),
        ("Recycled Polyester 600D", "Reciclado de poliéster 600D", "es"),
        ("V.2 fixes V.1", "V.2 corrige V.1", "es"),
        ("Boarding at gate B12", "Embarque en la puerta B12", "es"),
        ("Size 4XL", "Rozmiar 4XL", "pl"),
        ("YKK zippers", "Молнии YKK", "ru"),
        ("Mid-2025 line, X-Pac fabric", "Línea de mediados de 2025, tejido X-Pac", "es"),
    ],
)
def test_a_code_kept_passes(source, text, language):
    assert findings(source, text, language, kind="list") == []


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("Recycled Polyester 600D", "Poliéster reciclado D-600", "es"),
        ("Item KM4-20B", "Artículo KN4-20B", "es"),
        ("YKK zippers", "Cremalleras YYK", "es"),
        ("UPF 50+", "FPU 50+", "es"),
        ("Size 4XL", "Rozmiar 4-krotnie duży", "pl"),
    ],
)
def test_a_changed_code_is_an_error(source, text, language):
    assert "codes" in findings(source, text, language, kind="list")


def test_addresses_reappear_exactly():
    source = "See https://ketlmtn.example/care or write to help@ketlmtn.example."
    assert findings(source, "Siehe https://ketlmtn.example/care oder schreib an help@ketlmtn.example.", "de") == []
    assert "urls" in findings(
        source, "Siehe https://ketlmtn.example/pflege oder schreib an help@ketlmtn.example.", "de"
    )
    assert "urls" in findings(source, "Siehe https://ketlmtn.example/care oder schreib uns.", "de")


def test_a_protected_name_must_stay_and_may_take_an_ending():
    assert findings("Sunshirk Tee", "T-shirt Sunshirk", "fr", terms=(SUNSHIRK,)) == []
    assert findings("Made for the Sunshirk", "Stworzone dla Sunshirka", "pl", terms=(SUNSHIRK,)) == []
    assert findings("Sunshirk Tee", "Camiseta Solhuye", "es", terms=(SUNSHIRK,)) == ["do-not-translate"]
    assert "do-not-translate" in findings("Lidwell Cap", "Кепка Лидвелл", "ru", terms=(LIDWELL,))


def test_the_message_names_the_protected_name():
    text = message("Sunshirk Tee", "Camiseta Solhuye", "es", "do-not-translate", terms=(SUNSHIRK,))
    assert text == "The name “Sunshirk” must stay as it is."


QUICK_DRY = Term("Quick-dry", ("Schnelltrocknend", "schnell trocknend"), language_tag="de")
ZIPPER = Term("Zipper pocket", ("Reißverschlusstasche",), language_tag="de")
BREATHABLE = Term("Breathable", ("Atmungsaktiv",), language_tag="de")


def test_an_inflected_rendering_counts():
    source = "Breathable, Quick-dry, 2 zipper pockets"
    text = "Atmungsaktiver Stoff, schnelltrocknende Fasern, 2 Reißverschlusstaschen"
    assert findings(source, text, "de", kind="list", terms=(BREATHABLE, QUICK_DRY, ZIPPER)) == []


def test_another_word_for_a_term_is_a_warning():
    source = "Breathable, Quick-dry, 2 zipper pockets"
    text = "Atmungsaktiv, flott trocken, 2 Reißverschlusstaschen"
    assert findings(source, text, "de", kind="list", terms=(BREATHABLE, QUICK_DRY, ZIPPER)) == ["glossary"]


def test_terms_are_not_missed_in_text_that_is_not_plainly_of_its_language():
    assert findings("Quick-dry", "Qùìćk-ðrý", "de", kind="list", terms=(QUICK_DRY,)) == []


def test_a_forbidden_word_is_an_error_unless_another_term_wants_it():
    resistant = Term("Water resistant", ("Wasserabweisend",), forbidden=("wasserdicht",), language_tag="de")
    proof = Term("Waterproof", ("Wasserdicht",), language_tag="de")
    assert findings("Water resistant", "Wasserabweisend", "de", terms=(resistant,)) == []
    assert findings("Water resistant", "Wasserdichter Stoff", "de", terms=(resistant,)) == ["forbidden-terms"]
    source, text = "Water resistant shell, waterproof bag", "Wasserabweisende Hülle, wasserdichter Beutel"
    assert findings(source, text, "de", terms=(resistant, proof)) == []
