"""Rows as pandas DataFrames: one row per unit, with the columns of the long CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ketl._batches import batches
from ketl.formats.layouts import LONG_COLUMNS, long_table
from ketl.results.rows import ResultRow

if TYPE_CHECKING:
    import pandas


def to_frame(rows: Iterable[ResultRow]) -> pandas.DataFrame:
    """Return all `rows` as one frame.

    `item` is a whole number or missing, `seconds` a number or missing, `from_memory` a truth value; the findings
    are their ids with `;` between them, as in the file.
    """
    import pandas

    table = [
        tuple(";".join(cell) if isinstance(cell, tuple) else cell for cell in row)
        for row in long_table(rows, reason_column=False).rows
    ]
    frame = pandas.DataFrame(table, columns=list(LONG_COLUMNS))
    return frame.astype({"item": "Int64", "seconds": "float64", "from_memory": "bool"})


def row_frames(rows: Iterable[ResultRow], chunk_rows: int) -> Iterator[pandas.DataFrame]:
    """Yield `rows` as frames of at most `chunk_rows` rows each."""
    for batch in batches(rows, chunk_rows):
        yield to_frame(batch)
