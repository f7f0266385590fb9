"""Errors on a page: ours as their sentence, a fault inside with a reference that finds it in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ketl import logs
from ketl.errors import KetlError
from ketl.ui.texts import note

_LOG = logs.get_logger(__name__)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Show what goes wrong while `what` is drawn, in its place; also a decorator, for a part that refreshes itself."""
    try:
        yield
    except KetlError as error:
        note(str(error), "error")
    except Exception:
        # Streamlit would show the type to the visitor and write the traceback, secrets and all, to its own log.
        found_by = logs.report(_LOG, "“%s” failed inside.", what)
        note(f"Something went wrong inside this page. {logs.where_to_look(found_by)}", "error")
