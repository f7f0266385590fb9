"""How the command line was started, for messages that name a command to type."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> str:
    """Return the words that start this command line again: `ketl` where it is installed, else `python -m ketl`."""
    return "ketl" if Path(sys.argv[0]).stem == "ketl" else "python -m ketl"
