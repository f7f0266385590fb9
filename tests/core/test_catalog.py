"""Catalogues of every shape are read alike, and every wrong one is refused with a sentence that says what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ketl.catalog.catalog import Catalog
from ketl.catalog.products import (
    FIELD_NAMES,
    Product,
    chosen_texts,
    clean_text,
    field_label,
    find_fields,
    parse_product,
)
from ketl.catalog.units import cut_texts
from ketl.errors import CatalogError, SelectionError
from ketl.formats import catalog_files, json_rows
from ketl.formats.catalog_files import load_products, open_catalog
from tests.strategies import near_products

JACKET = {
    "product_name": 'Stormrunner Jacket 12"',
    "product_features": "Waterproof, Taped seams",
    "fabric_details": None,
    "other_details": "  ",
    "available_colors": ["Black", None, "Navy", ""],
    "price": 189.0,
}
TEXTS = {"name": 'Stormrunner Jacket 12"', "features": "Waterproof, Taped seams", "colors": ("Black", "Navy")}


def write(folder: Path, content: object, name: str = "catalog.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(CatalogError) as caught:
        list(open_catalog(path))
    return str(caught.value)


def test_shipped_catalogue_has_its_24_products_with_the_awkwardness_of_real_data() -> None:
    products = load_products()
    assert [p.id for p in products] == [str(n) for n in range(1, 25)]
    assert products[0].texts["fabric"] == "100% Polyester, Weight: 121g (taken from size M), Fabric weight: 79gsm"
    assert any('"' in p.name for p in products)
    assert any("details" not in p.texts for p in products) and any("colors" not in p.texts for p in products)
    assert all("available_sizes" in p.extra and "price" in p.extra for p in products)


@pytest.mark.parametrize(
    "row",
    [
        {"product_id": 7, **JACKET},
        {"product_id": 7, "extracted_data": JACKET},
        {"product_id": 7.0, "extracted_data": None, **JACKET},
        {"product_id": " 7 ", "product_name": "ignored", "extracted_data": JACKET},
        {"extracted_data": {"id": 7, **JACKET}},
        {"sku": "7", "title": JACKET["product_name"], "features": JACKET["product_features"],
         "colors": ["Black", "Navy"]},
    ],
    ids=["flat", "nested", "float id", "nested wins", "id nested", "short keys"],
)  # fmt: skip
def test_flat_and_nested_rows_give_the_same_product(row: dict[str, Any]) -> None:
    product = parse_product(row, "Row 1")
    assert (product.id, dict(product.texts)) == ("7", TEXTS)


@pytest.mark.parametrize("ending", ["list.json", "object.json", "lines.jsonl", "bom.json", "bom.jsonl", "spaced.json"])
def test_every_file_form_gives_the_same_products(tmp_path: Path, ending: str) -> None:
    rows = [{"product_id": 1, **JACKET}, {"product_id": "A-2", "product_name": "Trail Sock"}]
    lines = "\n\n".join(json.dumps(row) for row in rows).encode() + b"\n"
    content = {
        "list.json": json.dumps(rows).encode(),
        "object.json": json.dumps({"shop": "KETL", "products": rows}).encode(),
        "lines.jsonl": lines,
        "bom.json": b"\xef\xbb\xbf" + json.dumps(rows).encode(),
        "bom.jsonl": b"\xef\xbb\xbf" + lines,
        "spaced.json": b" \n" * 4000 + json.dumps(rows).encode(),
    }[ending]
    products = load_products(write(tmp_path, content, ending))
    assert [(p.id, dict(p.texts)) for p in products] == [("1", TEXTS), ("A-2", {"name": "Trail Sock"})]
    assert products[0].extra == {"price": 189.0}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\t ", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not UTF-8 text"),
        ('[{"product_id": 1, "product_name": "Mütze"}]'.encode("utf-16"), "not UTF-8 text"),
        ('[{"product_id": 1, "product_name": "Mütze"}]'.encode("utf-16-le"), "not UTF-8 text"),
        ('[{"product_id": 1, "product_name": "Mütze"}]'.encode("latin-1"), "not UTF-8 text"),
        (b'[\n{"product_id": 1,\n "product_name": }\n]', "line 3, column 18"),
        (b'[{"product_id": 1, "product_name": "cut of', "line 1"),
        (b'[{"product_id": 1, "product_name": "x"},]', "line 1, column 4"),
        (b'[{"product_id": 1, "product_name": "x"}] and more', "extra data at line 1"),
        (b"product_id,product_name\n1,Jacket", "does not begin with a list"),
        (b"null", "does not begin with a list"),
        (b"42", "does not begin with a list"),
        (b'{"product_id": 1, "product_name": "x"}', "holds no products"),
        (b'{"products": []}', "holds no products"),
        (b'{"products": {"1": {}}}', "holds no products"),
        (b"[]", "holds no products"),
        (b"[1, 2]", "Row 1 of catalog.json is not a product.*found a number"),
        (b"[[]]", "Row 1 .*found a list"),
        (b'[{"product_id": 1, "price": 3}]', "none of the texts to translate"),
        (b'[{"product_id": 1, "product_name": "a"}, {"product_name": "b"}]', "Row 2 .*no product_id"),
        (b'[{"product_id": null, "product_name": "a"}]', "Row 1 .*no product_id"),
        (b'[{"product_id": " ", "product_name": "a"}]', "Row 1 .*no product_id"),
        (b'[{"product_id": true, "product_name": "a"}]', "a product_id that is true or false"),
        (b'[{"product_id": [1], "product_name": "a"}]', "a product_id that is a list"),
        (b'[{"product_id": 1, "product_name": "a"}, {"product_id": "1", "product_name": "b"}]',
         "the product id “1” more than once"),
        (b'[{"product_id": 1, "product_name": {"en": "a"}}]', r"\(product 1\).*“product_name” is a nested object"),
        (b'[{"product_id": 1, "product_name": true}]', "“product_name” is true or false"),
        (b'[{"product_id": 1, "available_colors": ["Black", ["Navy"]]}]', "a list inside a list"),
        (b'[{"product_id": 1, "price": 1e999, "product_name": "a"}]', "row 1 has a number that is too large"),
        (b'[{"product_id": ' + b"9" * 5000 + b', "product_name": "a"}]', "row 1 has a number that is too large"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"product_id": 1, "z": ' + b'{"a":' * 50_000, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_catalogue_is_refused_in_a_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    said = refusal(write(tmp_path, content))
    assert re.search(says, said) and said.endswith(".") and "catalog.json" in said and "\n" not in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"product_id": 1, "product_name": "a"}\n{"product_id": 2,', "line 2 is no JSON object"),
        ('{"product_id": 1, "product_name": "Mütze"}'.encode("latin-1"), "line 1, is not UTF-8 text"),
        (b'{"product_id": 1, "product_name": NaN}', "line 1 is no JSON object"),
        (b"[" * 100_000, "line 1 is no JSON object"),
        (b'"a text"', "Row 1 .*found a text"),
        (b"\n \n", "is empty"),
        (b" " * 5000, "holds no products"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    assert re.search(says, refusal(write(tmp_path, content, "rows.jsonl")))


def test_a_path_that_is_no_catalogue_file_is_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "missing.json")
    assert "is a folder" in refusal(tmp_path)
    assert "Give a .json or .jsonl" in refusal(write(tmp_path, b"PK\x03\x04", "catalog.zip"))


def test_numbers_become_texts_and_texts_lose_what_no_file_can_carry(tmp_path: Path) -> None:
    row = (
        b'[{"product_id": 3, "product_name": 501, "fabric_details": 7.5,'
        b' "other_details": "soft\\u0000 \\u0007shell\\u0085\\tof <b>7</b> lines\\r\\nhere"}]'
    )
    (product,) = load_products(write(tmp_path, row))
    assert product.name == "501" and product.texts["fabric"] == "7.5"
    assert product.texts["details"] == "soft shell\u0085\tof <b>7</b> lines\r\nhere"


@pytest.mark.parametrize("name", ["one.json", "one.jsonl"])
def test_a_lone_surrogate_is_replaced_and_a_pair_stays_a_character(tmp_path: Path, name: str) -> None:
    row = b'{"product_id": 3, "product_name": "Peak \\ud83c\\udfd4 \\ud800 Jacket"}'
    (product,) = load_products(write(tmp_path, b"[" + row + b"]" if name.endswith("json") else row, name))
    assert product.name.startswith("Peak 🏔 ") and product.name.endswith(" Jacket")
    assert product.name.encode().decode() == product.name


def test_brackets_inside_texts_are_not_taken_for_nesting(tmp_path: Path) -> None:
    rows = [{"product_id": n, "product_name": f"Jacket {n} [[[[", "other_details": "{" * 40} for n in range(300)]
    assert len(load_products(write(tmp_path, rows))) == 300


def test_a_product_without_a_name_is_called_by_its_id() -> None:
    assert Product("A-7", {"details": "Warm."}).name == "Product A-7"


def test_a_large_file_is_read_anew_for_each_pass_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, [{"product_id": n, "product_name": f"Sock {n}"} for n in range(50)])
    held = open_catalog(path)
    monkeypatch.setattr(catalog_files, "STREAM_ABOVE_BYTES", 10)
    streamed = open_catalog(path)
    assert (held.held, streamed.held) == (True, False)
    assert list(streamed) == list(streamed) == list(held)
    twice = write(tmp_path, [{"product_id": 1, "product_name": "a"}, {"product_id": 1, "product_name": "b"}], "2.json")
    with pytest.raises(CatalogError, match="more than once"):
        list(open_catalog(twice))


def test_selecting_keeps_the_order_of_the_file_and_names_near_matches() -> None:
    rows = Catalog.of([{"product_id": f"A-{n}", "product_name": f"Sock {n}"} for n in range(100, 140)])
    assert [p.id for p in rows.select(["A-131", " A-102 ", "A-131"])] == ["A-102", "A-131"]
    assert rows.select([]) is rows
    with pytest.raises(SelectionError, match=r"Product “A-13” is not in .*Did you mean A-13"):
        rows.select(["A-102", "A-13"])
    with pytest.raises(SelectionError, match="It has 40 products, the first is “A-100”"):
        rows.select(["zzzzz"])


def test_products_at_hand_are_checked_as_a_file_is() -> None:
    with pytest.raises(CatalogError, match="Row 2 has no product_id"):
        Catalog.of([{"product_id": 1, "product_name": "a"}, {"product_name": "b"}])
    with pytest.raises(CatalogError, match="more than once"):
        Catalog.of([Product("1", {"name": "a"}), {"product_id": 1, "product_name": "b"}])
    given_before = Catalog.of([{"product_id": 1, "product_name": "a"}])
    assert Catalog.of(given_before) is given_before


def test_fields_are_found_by_name_label_and_file_key_in_any_case() -> None:
    assert find_fields([" NAME", "Product_Features", "Colors", "colors"]) == ("name", "features", "colors")
    assert find_fields(None) == find_fields([]) == ("name", "features", "fabric", "details", "colors")
    with pytest.raises(SelectionError, match=r"“detials” is not known. Did you mean details"):
        find_fields(["name", "detials"])


@given(st.text())
def test_cleaned_text_fits_into_every_file_format(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned.encode().decode() == clean_text(cleaned) == cleaned
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", cleaned)


@given(near_products)
def test_any_row_is_a_product_or_is_refused_with_its_number(row: dict[str, Any]) -> None:
    try:
        product = parse_product(row, "Row 9")
    except CatalogError as error:
        assert str(error).startswith("Row 9")
        return
    assert product.id.strip() == product.id != ""
    for value in product.texts.values():
        for text in [value] if isinstance(value, str) else value:
            assert text.strip() and text == clean_text(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60)
    | st.tuples(st.lists(near_products, max_size=3), st.integers(0, 200), st.binary(max_size=2)).map(
        lambda part: json.dumps(part[0]).encode()[: part[1]] + part[2]
    ),
    st.sampled_from(["any.json", "any.jsonl"]),
)
def test_any_bytes_are_a_catalogue_or_are_refused(tmp_path: Path, content: bytes, name: str) -> None:
    path = write(tmp_path, content, name)
    try:
        products = load_products(path)
    except CatalogError as error:
        assert name in str(error) and str(error).endswith(".")
    else:
        assert products


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        ({"other_details": "", "details": "Hand wash.", "description": "A shell."},
         {"details": "Hand wash.", "description": "A shell."}),
        ({"other_details": "Cold.", "description": "A shell."}, {"details": "Cold.", "description": "A shell."}),
        ({"product_name": "", "title": "Storm anorak"}, {"name": "Storm anorak"}),
        ({"product_name": "Long", "name": "Short", "title": " "}, {"name": "Short", "product_name": "Long"}),
        ({"available_colors": [None, " "], "colors": ["Red"]}, {"colors": ("Red",)}),
        ({"available_colors": ["Red"], "colors": "Blue"}, {"colors": "Blue", "available_colors": ("Red",)}),
        ({"product_name": "Outer", "extracted_data": {"product_name": " ", "title": "Inner"}},
         {"name": "Outer", "title": "Inner"}),
    ],
)  # fmt: skip
def test_a_blank_key_hides_nothing_and_every_filled_one_is_a_text(row: dict[str, Any], texts: dict[str, Any]) -> None:
    product = parse_product({"product_id": 1, **row}, "Row 1")
    assert dict(product.texts) == texts
    cut = list(cut_texts(product, FIELD_NAMES))
    assert {text.field for text in cut} == set(texts)
    assert {text.kind for text in cut} <= {"title", "prose", "option"}


def test_a_second_key_that_is_no_text_passes_through_untouched() -> None:
    product = parse_product({"product_id": 1, "product_features": "Warm", "features": {"a": 1}}, "Row 1")
    assert dict(product.texts) == {"features": "Warm"} and product.extra == {"features": {"a": 1}}


def test_a_field_chosen_by_any_of_its_keys_brings_all_its_texts_under_names_of_their_own() -> None:
    product = parse_product({"product_id": 1, "details": "Hand wash.", "description": "A shell."}, "Row 1")
    chosen = [name for name, _ in chosen_texts(product, find_fields(["description"]))]
    assert chosen == ["details", "description"]
    assert [field_label(name) for name in chosen] == ["Details", "Details (description)"]


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_an_escaped_half_of_a_pair_costs_its_own_text_alone(tmp_path: Path, name: str) -> None:
    halves = (b"\\ud800", "\ud800".encode("utf-8", "surrogatepass"))  # escaped, and as some programs write it
    rows = [b'{"product_id": %d, "product_name": "%s"}' % pair for pair in enumerate([*halves, b"Whole"])]
    products = load_products(
        write(tmp_path, b"[" + b",".join(rows) + b"]" if name == "rows.json" else b"\n".join(rows), name)
    )
    assert [product.name for product in products] == ["\ufffd", "\ufffd", "Whole"]


def test_a_value_is_read_again_only_as_often_as_it_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    class Counting(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            looked_at.append(len(s) - idx)
            return super().raw_decode(s, idx)

    monkeypatch.setattr(json_rows, "_STRICT", Counting())
    monkeypatch.setattr(json_rows, "_PIECE_BYTES", 1000)
    long = {"product_id": 1, "product_name": "a", "other_details": "soft shell " * 20_000}
    keys = {"product_id": 2, "product_name": "b"} | {f"key {number}": "" for number in range(20_000)}
    path = write(tmp_path, [long, keys])
    assert [product.id for product in load_products(path)] == ["1", "2"]
    assert sum(looked_at) < 5 * path.stat().st_size


@pytest.mark.parametrize("piece", [1, 2, 7, 64])
def test_the_size_of_the_pieces_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    rows: list[Any] = [{"a": [True, None, -1.5e3, "Mütze \\ \n 🏔"], "b": {}}, 12345, "x", [], {"deep": [[["y"]]]}]
    path = write(tmp_path, json.dumps({"shop": rows, "products": rows, "end": 1}, indent=1).encode())
    monkeypatch.setattr(json_rows, "_PIECE_BYTES", piece)
    assert list(json_rows.list_rows(path)) == rows


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("digits", [b"9" * 5_000_000, b"0." + b"9" * 5_000_000, b"1e" + b"9" * 5_000_000])
def test_millions_of_digits_are_refused_as_a_number(tmp_path: Path, name: str, digits: bytes) -> None:
    row = b'{"product_name": "a", "product_id": ' + digits + b"}"
    said = refusal(write(tmp_path, b"[" + row + b"]" if name == "rows.json" else row, name))
    assert "row 1 has a number that is too large" in said


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_a_row_beyond_all_sense_is_refused_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(json_rows, "MOST_A_ROW", 1000)
    monkeypatch.setattr(json_rows, "_PIECE_BYTES", 100)
    rows = [json.dumps({"product_id": n, "product_name": "a" * n}) for n in (1, 2000)]
    content = f"[{','.join(rows)}]" if name == "rows.json" else "\n".join(rows)
    assert "row 2 is longer than" in refusal(write(tmp_path, content.encode(), name))
