"""Writes rows to a file that appears only when it is whole, and asks beforehand whether it can be written."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from ketl.errors import SettingsError
from ketl.formats.registry import find_export
from ketl.results.rows import ResultRow

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# A disk with less room than this is called full before the run rather than after it.
_PROBE_BYTES = 64 * 1024
_COPIED_BYTES = 1024 * 1024


def check_writable(path: str | Path, layout: str = "long") -> None:
    """Raise SettingsError when a result file could not be written to `path`; call this before the run.

    Checks the ending, the layout, the folder and that the disk has room, and leaves nothing behind.
    """
    find_export(path, layout)
    target = _resolve(Path(path))
    _remove_abandoned(target)
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

    The file appears under its name only when it is complete; until then an older file of that name stays. What a
    killed process had begun beside it is taken away.
    Rows are streamed; the wide layout wants the languages of one text next to one another. Raises
    SettingsError when the layout or ending is unknown or the file cannot be written.
    """
    export = find_export(path, layout)
    target = _resolve(Path(path))
    _remove_abandoned(target)
    draft = _beside(target)
    try:
        # Rows may come for as long as a run takes: what they are gathered in has no name, so that a run that is
        # killed leaves nothing beside its target.
        with tempfile.TemporaryFile(dir=target.parent) as gathered:
            count = export.write(rows, gathered)
            gathered.seek(0)
            with draft.open("xb") as handle:
                _mark_as_mine(handle)
                shutil.copyfileobj(gathered, handle, _COPIED_BYTES)
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
    buffer = io.BytesIO()
    export.write(rows, buffer)
    return buffer.getvalue()


def _resolve(path: Path) -> Path:
    # Following links first keeps a linked file a link: renaming would put a plain file in its place.
    return Path(os.path.realpath(path.expanduser()))


def _beside(target: Path) -> Path:
    # Renaming is only atomic within one file system, so the draft lies in the folder of its target.
    return target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex[:8]}.part")


def _mark_as_mine(draft: IO[bytes]) -> None:
    # Where files can be locked, a lock says that the writer lives, and ends with it however it ends. Windows needs
    # none: there a file that somebody has open cannot be removed. Nor do file systems that refuse it stop a run.
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_abandoned(target: Path) -> None:
    """Remove the drafts of `target` that no process writes any more."""
    with contextlib.suppress(OSError):
        for draft in target.parent.glob(f".{glob.escape(target.name[:100])}.????????.part"):
            # One without a byte may be so new that it is not marked yet.
            if draft.stat().st_size and _is_nobodys(draft):
                _remove(draft)


def _is_nobodys(draft: Path) -> bool:
    if fcntl is None:
        return True
    try:
        with draft.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
