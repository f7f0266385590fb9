"""The version: here and nowhere else; the package, the command line, reports and files all read it."""

from __future__ import annotations

__version__ = "0.1.0"
