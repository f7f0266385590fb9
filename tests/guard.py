"""What keeps every test on this machine."""

from __future__ import annotations

import ipaddress


class NetworkRefusedError(AssertionError):
    """A test tried to leave this machine."""


class NetworkGuard:
    """Refuses every address that is not this machine's own, and remembers who asked."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def check(self, host: object) -> None:
        """Raise NetworkRefusedError unless `host` is this machine."""
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        if host is None or host in ("", "localhost"):
            return
        try:
            local = ipaddress.ip_address(str(host).split("%")[0]).is_loopback
        except ValueError:
            local = False
        if not local:
            self.refused.append(str(host))
            raise NetworkRefusedError(f"A test tried to reach {host}. Tests may only use 127.0.0.1.")
