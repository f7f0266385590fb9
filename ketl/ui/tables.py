"""The tables of the pages as frames: which columns are shown, in which order, under which headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas

from ketl.formats.frames import to_frame
from ketl.language.languages import BY_TAG
from ketl.results.rows import ResultRow
from ketl.ui.direction import marked

# The columns of a row that are in its own language; all else is English.
_TRANSLATIONS = ("translation", "text")


def rows_frame(rows: Sequence[ResultRow], headings: Mapping[str, str]) -> pandas.DataFrame:
    """Return rows of results to look at: the columns that `headings` names, in its order, under the page's words.

    What is read from right to left has direction marks, so this is for drawing only.
    """
    frame = to_frame(rows, list(headings))
    for name in frame.columns.intersection(_TRANSLATIONS):
        frame[name] = [
            read_as(cell, row.language_tag) if row.translation else cell
            for cell, row in zip(frame[name], rows, strict=True)
        ]
    return frame.rename(columns=dict(headings))


def read_as(text: str, tag: str) -> str:
    """Return a text of a language as a cell of a table shows it, with the marks that keep its numbers whole."""
    language = BY_TAG.get(tag)
    return marked(text, language is not None and language.direction == "rtl")


def records_frame(records: Sequence[object], headings: Mapping[str, str]) -> pandas.DataFrame:
    """Return records as a frame: the attributes that `headings` names, in its order, under the words of the page."""
    return pandas.DataFrame(
        {heading: [getattr(record, name) for record in records] for name, heading in headings.items()}
    )
