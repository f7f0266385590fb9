"""Files come out importable: rows read back equal, formulas are harmless, a failed write leaves nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.checks.base import Finding, Severity
from ketl.errors import CatalogError, SettingsError
from ketl.formats.csv_file import read_long_csv
from ketl.formats.layouts import LONG_COLUMNS
from ketl.formats.registry import EXPORTS, find_export
from ketl.formats.writing import check_writable, rows_to_bytes, write_rows
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from tests.strategies import any_text, rows

replace = ResultRow._replace

SPANISH = ResultRow(
    product_id="1",
    product_name="Sunshirk Sun Hoodie",
    field="fabric",
    item=None,
    language="Spanish",
    language_tag="es",
    source="100% Polyester, Weight: 121g",
    translation="100 % poliéster, peso: 121 g",
    status=Status.TRANSLATED,
    model="llama-3.3-70b-versatile",
    findings=(),
    seconds=0.4127,
    from_memory=False,
    reason="",
)
ARABIC = replace(
    SPANISH, language="Arabic", language_tag="ar", translation="بوليستر 100٪، الوزن: 121 غ", from_memory=True
)
LATE = replace(
    SPANISH,
    product_id="2",
    translation="",
    status=Status.FAILED,
    findings=(Finding("empty", Severity.ERROR, "The reply was empty."),),
    reason="Two answers were empty; the next model did not answer.",
    seconds=None,
)
COLOR = replace(SPANISH, field="colors", item=0, source="Black", translation="Negro")


def read_cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_long_csv_has_the_columns_of_the_contract_a_byte_order_mark_and_crlf() -> None:
    data = rows_to_bytes([SPANISH, COLOR])
    assert data.startswith(
        b"\xef\xbb\xbfproduct_id,product_name,field,item,language,language_tag,source,translation,status,model,"
        b"findings,seconds,from_memory\r\n"
    )
    assert data.count(b"\r\n") == 3
    cells = read_cells(data)
    assert cells[1][3:6] == ["", "Spanish", "es"] and cells[1][11:] == ["0.413", "false"]
    assert cells[2][3] == "0"


def test_a_failed_row_has_no_text_and_says_why() -> None:
    row = dict(zip(LONG_COLUMNS, read_cells(rows_to_bytes([LATE]))[1], strict=True))
    assert row["translation"] == "" and row["status"] == "failed" and row["seconds"] == ""
    assert row["findings"] == "empty;Two answers were empty, the next model did not answer."
    assert json.loads(rows_to_bytes([LATE], ".json"))[0]["reason"] == LATE.reason
    assert read_cells(rows_to_bytes([LATE], ".csv", "wide"))[1][-1] == f"failed: {LATE.reason}"


@given(st.lists(rows(), max_size=4))
def test_a_long_csv_read_back_equals_its_rows(written: list[ResultRow]) -> None:
    assert read_long_csv(rows_to_bytes(written)) == written


@given(any_text)
def test_no_cell_begins_as_a_formula_and_one_apostrophe_tells_it(text: str) -> None:
    cell = read_cells(rows_to_bytes([replace(SPANISH, translation=text)]))[1][7]
    assert not cell.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"))
    assert cell in (text, "'" + text)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("-5 bis 10 °C", "'-5 bis 10 °C"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'Til dawn", "'Til dawn"),
        ("5-panel", "5-panel"),
    ],
)
def test_only_what_a_spreadsheet_would_run_is_neutralised(text: str, cell: str) -> None:
    data = rows_to_bytes([replace(SPANISH, translation=text)])
    assert read_cells(data)[1][7] == cell
    assert read_long_csv(data)[0].translation == text


@pytest.mark.parametrize("apostrophes", ["", "'", "''"])
@pytest.mark.parametrize("trigger", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"])
def test_every_sign_that_starts_a_formula_gets_one_apostrophe(trigger: str, apostrophes: str) -> None:
    text = f"{apostrophes}{trigger}1+1"
    data = rows_to_bytes([replace(SPANISH, translation=text, source=text, product_name=text)])
    cells = read_cells(data)[1]
    assert cells[1] == cells[6] == cells[7] == "'" + text
    assert read_long_csv(data)[0].translation == text


def test_a_reason_that_begins_like_a_formula_is_neutralised_too() -> None:
    row = replace(LATE, findings=(), reason="=HYPERLINK(1) came back.")
    data = rows_to_bytes([row])
    assert dict(zip(LONG_COLUMNS, read_cells(data)[1], strict=True))["findings"] == "'=HYPERLINK(1) came back."
    assert read_long_csv(data)[0].reason == row.reason


def test_a_lone_surrogate_does_not_cost_the_file() -> None:
    broken = replace(SPANISH, translation="a\ud800b")
    for layout, ending in EXPORTS:
        assert rows_to_bytes([broken, ARABIC], ending, layout)
    assert read_long_csv(rows_to_bytes([broken]))[0].translation == "a?b"


def test_a_file_that_excel_saved_with_semicolons_is_read() -> None:
    text = rows_to_bytes([COLOR]).decode("utf-8-sig")
    assert read_long_csv(text.replace(",", ";").encode("utf-8-sig")) == [replace(COLOR, source="Black", seconds=0.413)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name,price\r\nHoodie,69\r\n", "no column “product_id”"),
        ("Größe".encode("latin-1"), "not UTF-8"),
        (rows_to_bytes([SPANISH]).replace(b"translated", b"done"), "status “done”"),
        (rows_to_bytes([SPANISH]).replace(b"0.413", b"soon"), "numbers"),
        (rows_to_bytes([SPANISH]) + b'"open', "not valid CSV"),
        (rows_to_bytes([SPANISH]) + b"1,2\r\n", "too few columns"),
    ],
)
def test_a_file_that_is_not_ours_is_told_in_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        read_long_csv(data)


def test_wide_has_a_column_per_language_even_one_that_comes_late() -> None:
    german = replace(SPANISH, product_id="3", language="German", language_tag="de", translation="121 g")
    cells = read_cells(rows_to_bytes([SPANISH, ARABIC, german], ".csv", "wide"))
    assert cells[0][4:] == ["source", "Spanish", "Spanish status", "Arabic", "Arabic status", "German", "German status"]
    assert cells[1][5:] == [SPANISH.translation, "translated", ARABIC.translation, "translated", "", ""]
    assert cells[2][5:] == ["", "", "", "", "121 g", "translated"]


@given(st.lists(rows(), max_size=4))
def test_json_and_json_lines_hold_the_texts_as_they_are(written: list[ResultRow]) -> None:
    listed = json.loads(rows_to_bytes(written, ".json"))
    lines = [json.loads(line) for line in rows_to_bytes(written, ".jsonl").split(b"\n") if line]
    assert listed == lines
    assert [entry["translation"] for entry in listed] == [row.translation for row in written]


def test_excel_gets_texts_never_formulas_and_right_to_left_cells() -> None:
    book = zipfile.ZipFile(io.BytesIO(rows_to_bytes([replace(SPANISH, translation="=1+1"), ARABIC], ".xlsx")))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "=1+1" in sheet
    assert 'readingOrder="2"' in book.read("xl/styles.xml").decode()


def test_a_text_too_long_for_a_cell_is_refused_not_dropped() -> None:
    with pytest.raises(SettingsError, match="longer than an Excel cell"):
        rows_to_bytes([replace(SPANISH, translation="x" * 32_768)], ".xlsx")


def test_excel_counts_an_emoji_as_two_characters() -> None:
    assert rows_to_bytes([replace(SPANISH, translation="🧥" * 16_383)], ".xlsx")
    with pytest.raises(SettingsError, match="longer than an Excel cell"):
        rows_to_bytes([replace(SPANISH, translation="🧥" * 20_000)], ".xlsx")


def test_rows_are_streamed(tmp_path: Path) -> None:
    """The writer takes rows one by one: at no time are two of them alive in its hands."""
    alive = 0
    most = 0

    class Watched(str):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def stream() -> object:
        nonlocal alive, most
        for number in range(200):
            text = Watched(f"texto {number}")
            alive += 1
            most = max(most, alive)
            yield replace(SPANISH, product_id=str(number), translation=text)

    for layout in ("long", "wide"):
        assert write_rows(stream(), tmp_path / "out.csv", layout=layout) == 200  # type: ignore[arg-type]
    assert most <= 3


def test_a_write_that_fails_keeps_the_older_file_and_leaves_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("older", encoding="utf-8")

    def breaking() -> object:
        yield SPANISH
        raise OSError(28, "No space left on device")

    with pytest.raises(SettingsError, match="disk is full"):
        write_rows(breaking(), target)  # type: ignore[arg-type]
    assert target.read_text(encoding="utf-8") == "older"
    assert list(tmp_path.iterdir()) == [target]


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.csv"
    real.write_text("older", encoding="utf-8")
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    write_rows([SPANISH], link)
    assert link.is_symlink()
    assert read_long_csv(real)[0].translation == SPANISH.translation


@pytest.mark.parametrize(
    ("path", "layout", "said"),
    [
        ("out.doc", "long", r"Use one of: \.csv, \.xlsx, \.json, \.jsonl, \.tmx"),
        ("out", "long", "no such file ending"),
        ("out.tmx", "wide", r"Use one of: \.csv"),
        ("out.csv", "tall", r"Choose one of: long, wide\."),
        ("out.csv", "Shopify", "is not written yet. Choose “wide”"),
        ("missing/out.csv", "long", "does not exist"),
        ("folder.csv", "long", "is a folder"),
    ],
)
def test_a_path_that_cannot_work_is_told_before_the_run(tmp_path: Path, path: str, layout: str, said: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SettingsError, match=said):
        check_writable(tmp_path / path, layout)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits on folders")
def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "OUT.CSV")
    assert list(tmp_path.iterdir()) == []
    assert find_export("OUT.CSV").mime == "text/csv"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_folder_that_refuses_files_is_told_before_the_run() -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        check_writable("/proc/out.csv")
