"""The last line and the exit status tell the truth: doubted rows are no success, and English is no translation."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ketl.cli import main
from ketl.simulator import RunningSimulator

ROWS = [
    {"product_id": 1, "product_name": "Warm Jacket with 3 Pockets", "other_details": "It packs into 2 of its pockets."}
]


@pytest.mark.usefixtures("keyed", "impatient")
@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("echo", "failed", "Failed: No usable translation came back. The text came back in English."),
        ("dropped_number", "translated", "2 translated (2 of them doubted: 2 number lost, added or changed)"),
    ],
)
def test_what_no_repair_mends_is_no_success(
    simulator: RunningSimulator, tmp_path: Path, capsys: Any, fault: str, status: str, says: str
) -> None:
    simulator.configure({"script": [{"fault": fault, "times": None}]})
    catalog, out = tmp_path / "rows.json", tmp_path / "t.csv"
    catalog.write_text(json.dumps(ROWS))
    words = ["--catalog", str(catalog), "--language", "es", "--glossary", "none", "--pack", "1", "--out", str(out)]
    assert main(["translate", *words]) == 1
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert len(rows) == 2 and {row["status"] for row in rows} == {status}
    assert all(bool(row["translation"]) is (status == "translated") for row in rows)
    said = capsys.readouterr().err
    assert says in said and "Traceback" not in said
