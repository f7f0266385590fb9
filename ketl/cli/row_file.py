"""Where the rows of a run go: a file, or standard output."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable
from typing import IO, Self

from ketl.errors import SettingsError
from ketl.formats.registry import find_export
from ketl.formats.writing import write_rows
from ketl.results.rows import ResultRow


class RowFile:
    """Where the rows go: the file of --out, or standard output, which must wait until it is known what comes first."""

    def __init__(self, path: str | None, layout: str) -> None:
        self._path = path
        self._layout = layout
        self._spool: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spool is not None:
            self._spool.close()

    def write(self, rows: Iterable[ResultRow]) -> None:
        """Write the rows; what was written before is replaced."""
        if self._path:
            write_rows(rows, self._path, layout=self._layout)
            return
        if self._spool is not None:
            self._spool.close()
        try:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
            find_export("standard-output.csv", self._layout).write(rows, self._spool)
            self._spool.flush()
        except OSError as error:
            raise SettingsError(
                f"The rows could not be laid aside ({error.strerror}). "
                "Free some space on the disk of the temporary files."
            ) from error

    def print(self) -> None:
        """Put what was written on standard output."""
        assert self._spool is not None
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, sys.stdout.buffer)
        sys.stdout.buffer.flush()
