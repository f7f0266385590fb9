"""A catalogue of hostile texts through the local server into every kind of file: all end as texts, none runs."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from ketl.cli import main
from ketl.formats.csv_file import read_long_csv, restore
from tests.hostile_texts import IDS, TEXTS

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f]")
RUNS = tuple("=+-@＝＋－＠\t\r")
PRODUCTS = [
    {"product_id": IDS[number] if number < len(IDS) else f"p{number}", "name": "Jacket", "description": text}
    for number, text in enumerate(TEXTS)
]
LANGUAGES = ("es", "ar")


@pytest.fixture
def files(keyed: str, tmp_path: Path, capsys: Any) -> dict[str, bytes]:
    """The same run as CSV, JSON, XLSX and TMX; all after the first come from the memory."""
    catalog = tmp_path / "hostile.json"
    catalog.write_text(json.dumps(PRODUCTS), encoding="utf-8")
    made: dict[str, bytes] = {}
    for ending in ("csv", "json", "xlsx", "tmx"):
        out = tmp_path / f"t.{ending}"
        words = ["--catalog", str(catalog), "--field", "details", "--out", str(out)]
        for language in LANGUAGES:
            words += ["--language", language]
        assert main(["translate", *words]) in (0, 1), capsys.readouterr().err
        made[ending] = out.read_bytes()
    said = capsys.readouterr()
    assert "Traceback" not in said.err and keyed not in said.err
    return made


def test_hostile_texts_end_and_are_written_as_texts(files: dict[str, bytes]) -> None:
    expected = [(p["product_id"], CONTROL.sub("", p["description"])) for p in PRODUCTS for _ in LANGUAGES]
    assert len(TEXTS) >= 60 and len(expected) == len(LANGUAGES) * len(TEXTS)

    rows = read_long_csv(files["csv"])
    assert [(row.product_id, row.source) for row in rows] == expected
    assert {row.status for row in rows} <= {"translated", "failed"}
    assert all(row.translation or row.reason for row in rows)
    text = files["csv"].decode("utf-8-sig")
    assert not CONTROL.search(text)
    cells = [cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line]
    assert not [cell for cell in cells if cell.startswith(RUNS)]
    assert all(cell == restore(cell) or cell == "'" + restore(cell) for cell in cells)

    told = json.loads(files["json"])
    assert [(row["product_id"], row["source"]) for row in told] == expected

    with zipfile.ZipFile(io.BytesIO(files["xlsx"])) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    trees = [ElementTree.fromstring(content) for content in parts.values()]
    assert trees and not [e for tree in trees for e in tree.iter() if e.tag.endswith(("}f", "}hyperlink"))]

    memory = ElementTree.fromstring(files["tmx"])
    assert memory.tag == "tmx" and list(memory.iter("tu"))
