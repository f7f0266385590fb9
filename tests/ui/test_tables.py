"""The pages' tables: the frames of the rows with the columns that a page shows, under its words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ketl.catalog.catalog import Catalog
from ketl.catalog.products import Product
from ketl.catalog.units import cut_texts
from ketl.formats.frames import to_frame
from ketl.formats.layouts import LONG_COLUMNS
from ketl.formats.writing import rows_to_bytes
from ketl.memory.memory import Memory, Remembered
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.runs.host import RunView
from ketl.simulator import RunningSimulator
from ketl.ui import learned
from ketl.ui.downloads import all_rows
from ketl.ui.session import runs
from ketl.ui.tables import records_frame, rows_frame

Choose = Callable[..., None]
Finish = Callable[..., RunView]
Shown = Callable[[AppTest], str]


ROW = ResultRow(
    product_id="1", product_name="Jacket", field="details", item=None, language="Hebrew", language_tag="he",
    source="UPF 50+ fabric", translation="בד UPF 50+ רך", status=Status.TRANSLATED, model="m", findings=(), seconds=0.1,
    from_memory=False, reason="",
)  # fmt: skip


def test_columns_come_in_the_order_of_the_headings_and_under_them() -> None:
    frame = rows_frame([ROW._replace(language_tag="de")], {"source": "See", "translation": "Hay"})
    assert frame.to_dict("list") == {"See": ["UPF 50+ fabric"], "Hay": ["בד UPF 50+ רך"]}


def test_a_cell_read_from_right_to_left_is_marked_and_the_row_it_was_made_of_is_not() -> None:
    failed = ROW._replace(translation="", status=Status.FAILED, reason="No answer came.")
    frame = rows_frame([ROW, failed], {"source": "English", "text": "Translation"})
    assert list(frame["Translation"]) == ["\u2067בד \u2066UPF 50+\u2069 רך\u2069", "No answer came."]
    assert list(frame["English"]) == ["UPF 50+ fabric"] * 2
    assert not re.search("[\u2066-\u2069]", rows_to_bytes([ROW], ".csv").decode("utf-8-sig"))


def test_a_table_without_rows_keeps_its_headings() -> None:
    assert list(records_frame([], {"name": "Product", "id": "Id"}).columns) == ["Product", "Id"]
    assert list(to_frame([]).columns) == list(LONG_COLUMNS)


def test_the_table_view_reads_as_a_person_does(
    simulator: RunningSimulator, keyed_app: AppTest, choose: Choose, finish: Finish
) -> None:
    simulator.configure({"script": [{"fault": "refusal", "times": None, "tag": "ja"}]})
    keyed_app.run()
    choose(keyed_app, [0], ["es", "ja"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    keyed_app.session_state["view"] = "Table"
    keyed_app.run()
    table = next(t.value for t in keyed_app.dataframe if "Findings" in t.value.columns)
    headings = ["Product", "Field", "Language", "English", "Translation", "Status", "Findings", "Model"]
    assert list(table.columns) == headings
    assert list(table["Field"][:6]) == ["Name", "Features", "Fabric", "Details", "Colors 1", "Colors 2"]
    rows = list(all_rows(live))
    assert list(table["English"]) == [row.source for row in rows]
    failed = table[table["Status"] == "failed"]
    assert len(failed) == 9 and set(failed["Language"]) == {"Japanese"}
    assert list(failed["Translation"]) == [row.reason for row in rows if row.language_tag == "ja"]


def test_what_was_decided_is_listed_with_its_place_in_the_list(
    keyed_app: AppTest, choose: Choose, finish: Finish
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    finish(keyed_app)
    keyed_app.switch_page("pages/review.py").run()
    keyed_app.button("approve_all").click().run()
    table = keyed_app.dataframe[0].value
    assert list(table.columns) == ["Product", "Field", "Language", "Translation", "Decision"]
    assert list(table["Field"])[-2:] == ["Colors 4", "Colors 5"]
    assert set(table["Decision"]) == {"approved"}


def outdated(app: AppTest, count: int, tag: str = "es", translation: str = "Vieja") -> None:
    """Let `count` products of the shipped catalogue have said something else when they were translated."""
    app.run()
    memory = Memory(runs().store, runs().settings.engine)
    names = [text for n in range(count) for text in cut_texts(_product(n + 1), ("name",))]
    memory.remember(
        Remembered(
            key=t.key, language_tag=tag, kind=t.kind, source=t.source, translation=translation, fingerprint="f",
            product_id=t.product_id, field=t.field, item=t.item,
        )
        for t in names
    )  # fmt: skip
    memory.note_units(names, tag)
    app.switch_page("pages/quality.py").run()


def _product(number: int) -> Product:
    return next(iter(Catalog.of([{"product_id": number, "product_name": f"An earlier name {number}"}])))


def test_what_is_out_of_date_stands_with_both_texts(app: AppTest, shown: Shown) -> None:
    outdated(app, 3)
    assert "**3** translations belong to an English text that has changed." in shown(app)
    table = app.dataframe[-1].value
    assert list(table["English before"]) == ["An earlier name 1", "An earlier name 2", "An earlier name 3"]
    assert table["English now"][0] == "Sunshirk Sun Hoodie" and table["Field"][0] == "Name"
    assert set(table["Language"]) == {"Spanish"} and set(table["Translation of before"]) == {"Vieja"}


def test_a_translation_of_before_keeps_its_numbers_whole_and_one_is_one(app: AppTest, shown: Shown) -> None:
    outdated(app, 1, "he", ROW.translation)
    assert "**1** translation belongs to" in shown(app) and "**1** translation, **0** of them" in shown(app)
    assert list(app.dataframe[-1].value["Translation of before"]) == ["\u2067בד \u2066UPF 50+\u2069 רך\u2069"]


def test_a_count_that_stopped_says_more_than(app: AppTest, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "_MOST_OUTDATED", 2)
    outdated(app, 3)
    assert "**More than 2** translations" in shown(app) and "The first 2 are shown." in shown(app)
    assert len(app.dataframe[-1].value) == 2


def test_a_count_that_just_fits_is_exact(app: AppTest, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "_MOST_OUTDATED", 3)
    outdated(app, 3)
    assert "**3** translations" in shown(app) and "are shown" not in shown(app)


def test_the_models_record_is_a_table_by_language_and_field(
    keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    finish(keyed_app)
    keyed_app.switch_page("pages/quality.py").run()
    routes, memory = (table.value for table in keyed_app.dataframe)
    assert set(routes["Field"]) == {"Name", "Features", "Fabric", "Details", "Colors"}
    assert set(routes["Right at once"]) == {1.0}
    assert memory.to_dict("list") == {"Language": ["Spanish"], "Translations": [9], "Locked": [0]}
    assert "Suggestions never change a route by themselves." in shown(keyed_app)
