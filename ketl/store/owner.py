"""Tells whether the process that owns a run is still alive."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path

STALE_AFTER_S = 30.0


def this_process() -> str:
    """Return a mark of this process: its host, its id, and when it was born, so that a reused id is told apart."""
    return f"{socket.gethostname()}|{os.getpid()}|{_birth(os.getpid()) or ''}"


def new_lease() -> str:
    """Return a mark of this process that no other taking-over of a run has."""
    return f"{this_process()}|{secrets.token_hex(8)}"


def is_alive(owner: str, heartbeat_age_s: float) -> bool:
    """Tell whether the owner of a run still works on it, given the age of its last heartbeat in seconds.

    A heartbeat older than `STALE_AFTER_S` seconds counts as dead wherever the owner lives; on this machine
    a process that has ended counts as dead at once.
    """
    if heartbeat_age_s > STALE_AFTER_S:
        return False
    host, _, rest = owner.partition("|")
    pid, _, birth = rest.partition("|")
    birth = birth.partition("|")[0]
    if host != socket.gethostname() or not pid.isdecimal():
        return True
    if birth:
        return _birth(int(pid)) == birth
    # Asking Windows this way would end the process; there the heartbeat alone decides.
    return sys.platform == "win32" or _answers(int(pid))


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _birth(pid: int) -> str | None:
    """Return when a process started, with the boot it belongs to; None when it is gone or not to be known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in the second field may hold anything, so fields are counted from its closing bracket.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else f"{boot}:{fields[19]}"
