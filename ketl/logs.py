"""Logging: loggers whose lines hold no secret, set up by the doors, and short references that find a line again."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import traceback
from collections.abc import Iterator, Mapping

from ketl._words import did_you_mean, redact
from ketl.errors import KetlError, SettingsError

ROOT = "ketl"

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# A door that was not told otherwise shows what is a fault of ours, since a reference must lead somewhere.
_BY_VERBOSITY = (logging.ERROR, logging.INFO, logging.DEBUG)
_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"

# Without letters and digits that are taken for one another, since people read a reference aloud.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_REFERENCE_CHARACTERS = 6

# Their messages speak of code, files or settings. Others may quote what they choked on, such as a product's text.
_SAYS_NO_TEXT = (KetlError, OSError, TypeError, AttributeError, NameError, ImportError, MemoryError, RecursionError)


class _Redacting(logging.Filter):
    """Writes a record's words out, traceback included, without secrets, and without quoted texts above DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and record.exc_info[1] is not None:
            whole = logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
            record.exc_text = redact("".join(_told(record.exc_info[1], whole, set())).rstrip("\n"))
            # What was written out above is all that any handler gets: formatting it anew would undo the hiding.
            record.exc_info = None
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


_REDACTING = _Redacting()


class _Standard(logging.Handler):
    """Writes lines to whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # A progress bar may stand on the line: the log begins at the left and covers it.
            start = "\r\x1b[K" if sys.stderr.isatty() else ""
            print(f"{start}{self.format(record)}", file=sys.stderr, flush=True)
        except Exception:
            # As every handler of the standard library does: a log that cannot be written stops nothing.
            self.handleError(record)


def get_logger(name: str) -> logging.Logger:
    """Return the logger of that name below `ketl`, such as `get_logger(__name__)`.

    Nothing that goes through it holds a key or an organization id, whichever handlers a program has attached.
    """
    logger = logging.getLogger(name)
    if _REDACTING not in logger.filters:
        logger.addFilter(_REDACTING)
    return logger


def set_up(verbosity: int = 0, environment: Mapping[str, str] | None = None) -> None:
    """Write the package's log to standard error, for a program of ours; calling it again only changes the level.

    The level is ERROR, with `verbosity` 1 INFO and from 2 DEBUG; at 0 the level named in KETL_LOG counts. Raises
    SettingsError when KETL_LOG is no level.
    """
    env = os.environ if environment is None else environment
    named = env.get("KETL_LOG", "").strip().upper()
    if named and named not in LEVELS:
        raise SettingsError(
            f"KETL_LOG takes one of {', '.join(LEVELS)}, not “{env['KETL_LOG']}”.{did_you_mean(named, LEVELS)}"
        )
    level = named if named and not verbosity else _BY_VERBOSITY[min(verbosity, len(_BY_VERBOSITY) - 1)]
    # Only our own lines: other libraries log addresses and headers that the filter has never seen.
    logger = logging.getLogger(ROOT)
    logger.setLevel(level)
    if not any(isinstance(handler, _Standard) for handler in logger.handlers):
        handler = _Standard()
        handler.setFormatter(logging.Formatter(_LINE))
        handler.addFilter(_REDACTING)
        logger.addHandler(handler)


def reference() -> str:
    """Return a new short reference, such as `k3f9a2`, by which a line of the log is found again."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_REFERENCE_CHARACTERS))


def where_to_look(found_by: str) -> str:
    """Return the sentence that leads a person from a page or a command line to the line of the log."""
    return f"Reference {found_by}: look for it in the log."


def report(logger: logging.Logger, message: str, *args: object) -> str:
    """Log the exception being handled with its traceback, as an error of ours, and return its new reference."""
    found_by = reference()
    logger.error(f"{message} Reference %s.", *args, found_by, exc_info=True, stacklevel=2)
    return found_by


def _told(error: BaseException, whole: bool, seen: set[int]) -> Iterator[str]:
    """Yield the lines of an exception and what led to it; unless `whole`, with quoted texts left out."""
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _told(before, whole, seen)
        yield "\nwhich led to:\n\n" if error.__cause__ else "\nand while that was handled:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    said = str(error) if whole or isinstance(error, _SAYS_NO_TEXT) else "(its words are kept back above DEBUG)"
    yield f"{name}: {said}\n" if said else f"{name}\n"
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if id(inner) not in seen:
                yield "\none of them:\n\n"
                yield from _told(inner, whole, seen)
