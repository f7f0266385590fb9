"""Finds the files that travel with the program, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# The wheel carries them inside the package; in a checkout they stand at the top, where people look for them.
_ROOT = _PACKAGE / "_files" if (_PACKAGE / "_files").is_dir() else _PACKAGE.parent


def shipped(*parts: str) -> Path:
    """Return the path of a shipped file or folder, such as `shipped("data", "glossary.csv")`."""
    return _ROOT.joinpath(*parts)
