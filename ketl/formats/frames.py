"""Rows as pandas DataFrames: one row per unit, with the columns of the long CSV or those that a page reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ketl._batches import batches
from ketl.catalog.products import field_label
from ketl.formats.layouts import LONG_COLUMNS, Cell, long_table
from ketl.results.rows import ResultRow

if TYPE_CHECKING:
    import pandas

# What a person reads in the place of the file's `field` and `item`, `translation`, and `findings`.
_READ: Mapping[str, Callable[[ResultRow], str]] = {
    "label": lambda row: field_label(row.field, row.item),
    "text": lambda row: row.translation or row.reason,
    "messages": lambda row: "; ".join([finding.message for finding in row.findings]),
}
_TYPES = {"item": "Int64", "seconds": "float64", "from_memory": "bool"}


def to_frame(rows: Iterable[ResultRow], columns: Sequence[str] = LONG_COLUMNS) -> pandas.DataFrame:
    """Return all `rows` as one frame.

    `item` is a whole number or missing, `seconds` a number or missing, `from_memory` a truth value; the findings
    are their ids with `;` between them, as in the file. `columns` may name, beside the file's, `label` (the
    field's label and the place in its list), `text` (the translation, or why there is none) and `messages`
    (what the checks say, in sentences).
    """
    import pandas

    rows = list(rows)
    cells: dict[str, Sequence[Cell]] = dict.fromkeys(LONG_COLUMNS, ())
    cells |= zip(LONG_COLUMNS, zip(*long_table(rows, reason_column=False).rows, strict=True), strict=False)
    cells["findings"] = [";".join(cell) if isinstance(cell, tuple) else cell for cell in cells["findings"]]
    for name, read in _READ.items():
        if name in columns:
            cells[name] = [read(row) for row in rows]
    return pandas.DataFrame({name: pandas.Series(cells[name], dtype=_TYPES.get(name, "str")) for name in columns})


def row_frames(rows: Iterable[ResultRow], chunk_rows: int) -> Iterator[pandas.DataFrame]:
    """Yield `rows` as frames of at most `chunk_rows` rows each."""
    for batch in batches(rows, chunk_rows):
        yield to_frame(batch)
