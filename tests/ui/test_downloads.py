"""The files of a run: which are offered, under which names, and that each holds what a person decided."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ketl.formats.registry import EXPORTS
from ketl.memory.memory import Memory
from ketl.memory.review import edit
from ketl.runs.host import RunView
from ketl.ui.downloads import all_rows, file_bytes, file_name
from ketl.ui.session import runs

Choose = Callable[..., None]
Finish = Callable[..., RunView]


@pytest.fixture
def live(keyed_app: AppTest, choose: Choose, finish: Finish) -> RunView:
    """A run of one product into two languages, in which a person rewrote the Spanish name."""
    keyed_app.run()
    choose(keyed_app, [0], ["es", "ar"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    store = runs().store
    edit(store, Memory(store, live.engine), live.run_id, next(all_rows(live)), "Sudadera solar")
    return live


def test_one_file_is_the_default_and_the_others_stand_behind_it(keyed_app: AppTest, live: RunView) -> None:
    labels = [button.proto.label for button in keyed_app.get("download_button")]
    assert labels == [
        "Download CSV",
        "Excel, one row per translation",
        "JSON, one row per translation",
        "JSON lines, one row per translation",
        "CSV, one column per language",
        "Excel, one column per language",
        "JSON, one column per language",
        "JSON lines, one column per language",
        "Translation memory (TMX)",
    ]
    kinds = [button.proto.type for button in keyed_app.get("download_button")]
    assert kinds == ["primary"] + ["tertiary"] * 8


def test_every_file_holds_all_translations_as_the_person_left_them(live: RunView) -> None:
    for (layout, ending), export in EXPORTS.items():
        content = file_bytes(live, layout, ending)
        if ending == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                content = b"".join(book.read(name) for name in book.namelist())
        assert "Sudadera solar" in content.decode("utf-8") or "Sudadera solar" in json.dumps(
            [json.loads(line) for line in content.decode("utf-8").splitlines()], ensure_ascii=False
        ), export.label


def test_the_csv_says_who_wrote_a_text(live: RunView) -> None:
    rows = list(csv.DictReader(io.StringIO(file_bytes(live, "long", ".csv").decode("utf-8-sig"), newline="")))
    assert len(rows) == 18
    assert [row["status"] for row in rows].count("edited") == 1
    assert (rows[0]["translation"], rows[0]["status"]) == ("Sudadera solar", "edited")


def test_a_file_s_name_says_demo_and_its_layout(live: RunView) -> None:
    assert file_name(live, EXPORTS["long", ".csv"]) == "ketl-translations.csv"
    assert file_name(live, EXPORTS["wide", ".xlsx"]) == "ketl-translations-wide.xlsx"
    live.engine = "demo"
    assert file_name(live, EXPORTS["long", ".tmx"]) == "ketl-demo-translations.tmx"


def test_a_run_that_has_not_ended_has_no_rows(live: RunView) -> None:
    live.result = None
    assert list(all_rows(live)) == []
