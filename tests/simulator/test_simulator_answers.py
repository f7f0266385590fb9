"""Shipped translations are found by their English, also when values in it are hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ketl.simulator.answers import Translator, _hide, read_wire
from ketl.simulator.pseudo import is_demo_text

FABRIC = "94% Nylon, 6% Elastane, Weight: 11.2 oz (size 32), DWR finish"
FABRIC_ES = "94% nailon, 6% elastano, peso: 11.2 oz (talla 32), acabado DWR"


@pytest.fixture
def translator(tmp_path: Path) -> Translator:
    rows = [
        {"product_id": 1, "extracted_data": {"product_name": "Sunshirk Sun Hoodie", "fabric_details": None}},
        {"product_id": 2, "product_name": "Gatelag Travel Pant", "fabric_details": FABRIC},
    ]
    spanish = {
        "products": {"1": {"name": "Sudadera Sunshirk"}, "2": {"fabric": FABRIC_ES, "details": "sin fuente"}},
        "colors": {"Black": "Negro"},
    }
    (tmp_path / "ketlmtn_products.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "translations").mkdir()
    (tmp_path / "translations" / "es.json").write_text(json.dumps(spanish), encoding="utf-8")
    japanese = {"products": {"2": {"fabric": "ナイロン94%、エラスタン6%、重量11.2 oz（サイズ32）、DWR加工"}}}
    (tmp_path / "translations" / "ja.json").write_text(json.dumps(japanese), encoding="utf-8")
    (tmp_path / "translations" / "fr.json").write_text("{broken", encoding="utf-8")
    return Translator(tmp_path)


def test_shipped_text_is_found_by_its_english(translator: Translator) -> None:
    assert translator.translate("Sunshirk Sun Hoodie", "es") == "Sudadera Sunshirk"
    assert translator.translate("Black", "ES") == "Negro"
    assert translator.translate(FABRIC, "es-ES") == FABRIC_ES


def test_what_is_not_shipped_is_demo_text(translator: Translator) -> None:
    for source, tag in [("Gatelag Travel Pant", "es"), ("Black", "fr"), ("Black", "../es"), ("Black", "ja")]:
        assert is_demo_text(translator.translate(source, tag))


def test_hidden_values_are_hidden_again(translator: Translator) -> None:
    source = "⟦1⟧ Nylon, ⟦2⟧ Elastane, Weight: ⟦3⟧ (size ⟦4⟧), ⟦5⟧ finish"
    expected = "⟦1⟧ nailon, ⟦2⟧ elastano, peso: ⟦3⟧ (talla ⟦4⟧), acabado ⟦5⟧"
    values = {"1": "94%", "2": "6%", "3": "11.2 oz", "4": "32", "5": "DWR"}
    assert translator.translate(source, "es", values) == expected
    assert translator.translate(source, "es") == expected


def test_hidden_values_are_found_beside_letters_that_leave_no_space(translator: Translator) -> None:
    source = "⟦1⟧ Nylon, ⟦2⟧ Elastane, Weight: ⟦3⟧ (size 32), DWR finish"
    values = {"1": "94%", "2": "6%", "3": "11.2 oz"}
    assert translator.translate(source, "ja", values) == "ナイロン⟦1⟧、エラスタン⟦2⟧、重量⟦3⟧（サイズ32）、DWR加工"


def test_value_that_reads_otherwise_in_the_translation_is_left_in_it(translator: Translator) -> None:
    source = "⟦1⟧ Elastane, Weight: 11.2 oz (size 32), DWR finish"
    assert translator.translate(source, "es", {"1": "94% Nylon, 6%"}) == FABRIC_ES
    source = "94% Nylon, ⟦1⟧ Elastane, Weight: 11.2 oz (⟦2⟧), DWR finish"
    partly = FABRIC_ES.replace("6%", "⟦1⟧")
    assert translator.translate(source, "es", {"1": "6%", "2": "size 32"}) == partly


@pytest.mark.parametrize(
    ("value", "local"), [("100%", "100 %"), ("11.2 oz", "11,2 oz"), ("121g", "121 g"), ('12"', '12"'), ("DWR", "DWR")]
)
def test_hidden_value_is_found_in_local_style(value: str, local: str) -> None:
    assert _hide(f"peso: {local}, 6{local}", [("1", value)]) == f"peso: ⟦1⟧, 6{local}"


def test_hidden_values_survive_in_demo_text(translator: Translator) -> None:
    assert "⟦1⟧" in translator.translate("Dries ⟦1⟧ faster", "ja", {"1": "2x"})


def test_wire_form_is_read_and_anything_else_is_not() -> None:
    wire = read_wire('{"target_tag": "ja", "segments": {"a": "Black"}, "placeables": {"1": "x", "b": {"2": "y"}}}')
    assert wire is not None
    assert (wire.tag, wire.segments, wire.hidden, wire.hidden_by_key) == (
        "ja",
        {"a": "Black"},
        {"1": "x"},
        {"b": {"2": "y"}},
    )
    for other in ("Hello", '{"segments": ["a"]}', '{"segments": {"a": 1}}', "{broken", "[1]"):
        assert read_wire(other) is None


def test_missing_data_is_no_error(tmp_path: Path) -> None:
    assert is_demo_text(Translator(tmp_path / "none").translate("Black", "es"))
