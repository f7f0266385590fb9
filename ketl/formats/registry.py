"""The file formats there are: which module writes which layout under which ending."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ketl.errors import SettingsError
from ketl.formats import csv_file, json_file, layouts, tmx_file, xlsx_file
from ketl.formats.layouts import Table
from ketl.results.rows import ResultRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One way to write rows to a file.

    `write` takes the rows and an open binary file and returns how many units it wrote; `label` and `mime`
    serve a download button.
    """

    layout: str
    ending: str
    label: str
    mime: str
    write: Callable[[Iterable[ResultRow], BinaryIO], int]


def _tabular(
    lay_out: Callable[[Iterable[ResultRow]], Table], write: Callable[[Table, BinaryIO], None]
) -> Callable[[Iterable[ResultRow], BinaryIO], int]:
    def write_table(rows: Iterable[ResultRow], handle: BinaryIO) -> int:
        count = 0

        def counted() -> Iterator[ResultRow]:
            nonlocal count
            for row in rows:
                count += 1
                yield row

        write(lay_out(counted()), handle)
        return count

    return write_table


# The columns of the long CSV are what other programs rely on: the reason of a failure gets none of its own.
_CSV_LONG = functools.partial(layouts.long_table, reason_column=False)

_XLSX_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LAYOUTS = (
    ("long", layouts.long_table, "one row per translation"),
    ("wide", layouts.wide_table, "one column per language"),
)
_FORMATS = (
    (".csv", "CSV", "text/csv", csv_file.write),
    (".xlsx", "Excel", _XLSX_MIME, xlsx_file.write),
    (".json", "JSON", "application/json", json_file.write),
    (".jsonl", "JSON lines", "application/x-ndjson", json_file.write_lines),
)

EXPORTS: dict[tuple[str, str], Export] = {
    (export.layout, export.ending): export
    for export in (
        *(
            Export(
                layout=layout,
                ending=ending,
                label=f"{name}, {words}",
                mime=mime,
                write=_tabular(_CSV_LONG if (layout, ending) == ("long", ".csv") else lay_out, write),
            )
            for layout, lay_out, words in _LAYOUTS
            for ending, name, mime, write in _FORMATS
        ),
        Export(
            layout="long",
            ending=".tmx",
            label="Translation memory (TMX)",
            mime="application/x-tmx+xml",
            write=tmx_file.write,
        ),
    )
}

# Layouts that a person may expect but that are not written, with the sentence that says what to take instead.
_NOT_YET = {
    "shopify": (
        "Shopify's own layout is not written yet. Choose “wide”, one column per language, or “long”, one row per "
        "translation, and bring the texts into Shopify from there."
    ),
}


def find_export(path: str | Path, layout: str = "long") -> Export:
    """Return the export that the ending of `path` and the layout stand for.

    Raises SettingsError naming the layouts and endings that exist when there is no such export.
    """
    name = layout.strip().casefold()
    if name in _NOT_YET:
        raise SettingsError(_NOT_YET[name])
    endings = [ending for known, ending in EXPORTS if known == name]
    if not endings:
        known_layouts = ", ".join(dict.fromkeys(known for known, _ in EXPORTS))
        raise SettingsError(f"The layout “{layout}” is not known. Choose one of: {known_layouts}.")
    # A bare ending (".csv") has no suffix in pathlib's eyes, yet callers with bytes to offer have nothing else.
    ending = (Path(path).suffix or Path(path).name).casefold()
    found = EXPORTS.get((name, ending))
    if found is None:
        raise SettingsError(
            f"{Path(path).name}: the {name} layout has no such file ending. Use one of: {', '.join(endings)}."
        )
    return found
