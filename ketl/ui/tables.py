"""The tables of the pages as frames: which columns are shown, in which order, under which headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas


def under_headings(frame: pandas.DataFrame, headings: Mapping[str, str]) -> pandas.DataFrame:
    """Return the columns of `frame` that `headings` names, in its order, under the words of the page."""
    return frame[list(headings)].rename(columns=headings)


def records_frame(records: Sequence[object], headings: Mapping[str, str]) -> pandas.DataFrame:
    """Return records as a frame: the attributes that `headings` names, in its order, under the words of the page."""
    return pandas.DataFrame(
        {heading: [getattr(record, name) for record in records] for name, heading in headings.items()}
    )
