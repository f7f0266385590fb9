"""Writes tables as an Excel workbook in which every text stays a text, through XlsxWriter."""

from __future__ import annotations

import unicodedata
from typing import BinaryIO

from ketl.errors import SettingsError
from ketl.formats.layouts import Cell, Table

# Excel's own ceilings; past them XlsxWriter drops the cell without a word, so we count ourselves.
MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767

_WIDE_COLUMN = 48
_NARROW_COLUMN = 14
_LONG_TEXTS = {"source", "translation", "reason"}


def write(table: Table, handle: BinaryIO) -> None:
    """Write `table` as one worksheet with a frozen header; right-to-left texts are set right to left.

    Raises SettingsError when the table is larger than a worksheet or a text longer than a cell can be.
    """
    import xlsxwriter  # not before a workbook is wanted: loading it takes longer than the rest of this room

    # Rows leave memory as they are written; nothing is ever a formula or a link, whatever it looks like.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(handle, options)
    try:
        sheet = book.add_worksheet("Translations")
        bold = book.add_format({"bold": True})
        plain = book.add_format({"text_wrap": True, "valign": "top"})
        rtl = book.add_format({"text_wrap": True, "valign": "top", "reading_order": 2})
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(table.header):
            long_text = name in _LONG_TEXTS or f"{name} status" in table.header
            sheet.set_column(column, column, _WIDE_COLUMN if long_text else _NARROW_COLUMN)
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(table.rows, start=1):
            if number >= MOST_ROWS:
                raise SettingsError(
                    f"An Excel sheet holds {MOST_ROWS - 1:,} rows and there are more. Choose the .csv ending."
                )
            for column, cell in enumerate(row):
                text = _text(cell)
                if isinstance(cell, (int, float)) and not isinstance(cell, bool):
                    sheet.write_number(number, column, cell, plain)
                elif len(text.encode("utf-16-le", "replace")) > 2 * MOST_CHARACTERS:
                    raise SettingsError(
                        f"Row {number} has a text longer than an Excel cell can hold. Choose the .csv ending."
                    )
                elif text:
                    sheet.write_string(number, column, text, rtl if _is_rtl(text) else plain)
    finally:
        book.close()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    text = "; ".join(cell) if isinstance(cell, tuple) else str(cell)
    return text.encode("utf-8", "replace").decode()


def _is_rtl(text: str) -> bool:
    """Tell whether the first letter with a direction runs right to left."""
    if text.isascii():
        return False
    first = next((kind for c in text if (kind := unicodedata.bidirectional(c)) in ("L", "R", "AL")), "L")
    return first != "L"
