"""The exit statuses of every command."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a command's end tells the shell; other programs rely on these numbers."""

    OK = 0
    SOME_FAILED = 1
    WRONG_INPUT = 2
    INTERRUPTED = 130
