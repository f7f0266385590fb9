"""One module per file format, rows in, bytes out: the registry, safe writing to disk, and reading back."""

from __future__ import annotations

import errno
import functools
import io
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ketl.errors import SettingsError
from ketl.formats import csv_file, json_file, layouts, tmx_file, xlsx_file
from ketl.formats.csv_file import read_long_csv
from ketl.formats.layouts import LONG_COLUMNS, Table
from ketl.results.outcome import ResultRow

__all__ = [
    "EXPORTS",
    "LONG_COLUMNS",
    "Export",
    "check_writable",
    "find_export",
    "read_long_csv",
    "rows_to_bytes",
    "write_rows",
]

# A disk with less room than this is called full before the run rather than after it.
_PROBE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One way to write rows to a file.

    `write` takes the rows and an open binary file and returns how many units it wrote; `check` raises
    SettingsError when this export cannot work here at all; `label` and `mime` serve a download button.
    """

    layout: str
    ending: str
    label: str
    mime: str
    write: Callable[[Iterable[ResultRow], BinaryIO], int]
    check: Callable[[], None]


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


def _nothing_missing() -> None:
    """The check of a format that needs nothing but this program."""


# The columns of the long CSV are what other programs rely on: the reason of a failure gets none of its own.
_CSV_LONG = functools.partial(layouts.long_table, reason_column=False)

_XLSX_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LAYOUTS = (
    ("long", layouts.long_table, "one row per translation"),
    ("wide", layouts.wide_table, "one column per language"),
)
_FORMATS = (
    (".csv", "CSV", "text/csv", csv_file.write, _nothing_missing),
    (".xlsx", "Excel", _XLSX_MIME, xlsx_file.write, xlsx_file.check),
    (".json", "JSON", "application/json", json_file.write, _nothing_missing),
    (".jsonl", "JSON lines", "application/x-ndjson", json_file.write_lines, _nothing_missing),
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
                check=check,
            )
            for layout, lay_out, words in _LAYOUTS
            for ending, name, mime, write, check in _FORMATS
        ),
        Export(
            layout="long",
            ending=".tmx",
            label="Translation memory (TMX)",
            mime="application/x-tmx+xml",
            write=tmx_file.write,
            check=_nothing_missing,
        ),
    )
}

# Layouts that a person may ask for but that need something else first, with the sentence that says what.
_ELSEWHERE = {
    "shopify": (
        "The Shopify layout fills in Shopify's own file, so that its ids stay untouched. In Shopify, open "
        "Settings, Languages, Export, and give that file as the catalogue; for this catalogue choose “long” or “wide”."
    ),
}


def find_export(path: str | Path, layout: str = "long") -> Export:
    """Return the export that the ending of `path` and the layout stand for.

    Raises SettingsError naming the layouts and endings that exist when there is no such export.
    """
    name = layout.strip().casefold()
    if name in _ELSEWHERE:
        raise SettingsError(_ELSEWHERE[name])
    endings = [ending for known, ending in EXPORTS if known == name]
    if not endings:
        known_layouts = ", ".join(dict.fromkeys([*(known for known, _ in EXPORTS), *_ELSEWHERE]))
        raise SettingsError(f"The layout “{layout}” is not known. Choose one of: {known_layouts}.")
    # A bare ending (".csv") has no suffix in pathlib's eyes, yet callers with bytes to offer have nothing else.
    ending = (Path(path).suffix or Path(path).name).casefold()
    found = EXPORTS.get((name, ending))
    if found is None:
        raise SettingsError(
            f"{Path(path).name}: the {name} layout has no such file ending. Use one of: {', '.join(endings)}."
        )
    return found


def check_writable(path: str | Path, layout: str = "long") -> None:
    """Raise SettingsError when a result file could not be written to `path`; call this before the run.

    Checks the ending, the layout, the folder and that the disk has room, and leaves nothing behind.
    """
    find_export(path, layout).check()
    target = _resolve(Path(path))
    if target.is_dir():
        raise SettingsError(f"{path} is a folder. Name a file in it, for example {Path(path) / 'translations.csv'}.")
    if not target.parent.is_dir():
        raise SettingsError(f"The folder {target.parent} does not exist. Create it, or write the file elsewhere.")
    if target.exists() and not os.access(target, os.W_OK):
        raise SettingsError(f"{path} is write-protected. Choose another file name.")
    probe = _beside(target)
    try:
        with probe.open("xb") as handle:
            handle.write(bytes(_PROBE_BYTES))
    except OSError as error:
        raise SettingsError(_cannot_write(path, error)) from error
    finally:
        _remove(probe)


def write_rows(rows: Iterable[ResultRow], path: str | Path, *, layout: str = "long") -> int:
    """Write `rows` to `path` in the format of its ending and return how many rows there were.

    The file appears under its name only when it is complete; until then an older file of that name stays.
    Rows are streamed; the wide layout wants the languages of one text next to one another. Raises
    SettingsError when the layout or ending is unknown or the file cannot be written.
    """
    export = find_export(path, layout)
    export.check()
    target = _resolve(Path(path))
    draft = _beside(target)
    try:
        with draft.open("xb") as handle:
            count = export.write(rows, handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(draft, target)
    except OSError as error:
        raise SettingsError(
            f"{_cannot_write(path, error)} The finished translations are kept; running again costs nothing for them."
        ) from error
    finally:
        _remove(draft)
    return count


def rows_to_bytes(rows: Iterable[ResultRow], ending: str = ".csv", layout: str = "long") -> bytes:
    """Return the file that `write_rows` would write, for a download button.

    Raises SettingsError when the layout or ending is unknown.
    """
    export = find_export(ending, layout)
    export.check()
    buffer = io.BytesIO()
    export.write(rows, buffer)
    return buffer.getvalue()


def _resolve(path: Path) -> Path:
    # Following links first keeps a linked file a link: renaming would put a plain file in its place.
    return Path(os.path.realpath(path.expanduser()))


def _beside(target: Path) -> Path:
    # Renaming is only atomic within one file system, so the draft lies in the folder of its target.
    return target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex[:8]}.part")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The folder itself may have gone or become read-only; the error that matters is already on its way.
        return


def _cannot_write(path: str | Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path} cannot be written: the disk is full. Free some space or write the file elsewhere."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path} cannot be written: the folder does not allow it. Choose another folder."
    return f"{path} cannot be written ({error.strerror or type(error).__name__}). Choose another file."
