"""The files that a run can be saved as: one button for the CSV, the other formats behind a second."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

import streamlit as st

from ketl.formats.registry import EXPORTS, Export
from ketl.formats.writing import rows_to_bytes
from ketl.memory.review import with_decisions
from ketl.results.rows import ResultRow
from ketl.runs.host import RunView
from ketl.ui.session import runs

_FIRST = ("long", ".csv")


def all_rows(live: RunView) -> Iterator[ResultRow]:
    """Yield the rows of an ended run as a person left them."""
    if live.result is not None:
        yield from with_decisions(live.result.rows(), runs().store.decisions.of(live.run_id))


def file_bytes(live: RunView, layout: str, ending: str) -> bytes:
    """Return a run as a file."""
    return rows_to_bytes(all_rows(live), ending, layout)


def file_name(live: RunView, export: Export) -> str:
    """Return what a run's file is called: a demo's says so."""
    demo = "demo-" if live.engine == "demo" else ""
    return f"ketl-{demo}translations{'-wide' if export.layout == 'wide' else ''}{export.ending}"


def offer_downloads(live: RunView, *, primary: bool = True) -> None:
    """Draw the download buttons; a file is made when its button is pressed, not before."""
    _button(live, EXPORTS[_FIRST], "primary" if primary else "secondary")
    with st.popover("Other formats", icon=":material/download:"):
        for key, export in EXPORTS.items():
            if key != _FIRST:
                _button(live, export, "tertiary")


def _button(live: RunView, export: Export, kind: Literal["primary", "secondary", "tertiary"]) -> None:
    st.download_button(
        "Download CSV" if (export.layout, export.ending) == _FIRST else export.label,
        partial(file_bytes, live, export.layout, export.ending),
        file_name(live, export),
        export.mime,
        key=f"download_{export.layout}_{export.ending[1:]}",
        on_click="ignore",
        icon=":material/download:",
        type=kind,
    )
