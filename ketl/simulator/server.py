"""Binds the port and runs the server: uvicorn's loop and sockets, our lean protocol in front."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ketl.errors import SettingsError
from ketl.simulator.app import Application
from ketl.simulator.batches import BatchDesk
from ketl.simulator.completions import Chat
from ketl.simulator.config import SimulatorConfig
from ketl.simulator.lean import LeanProtocol

_BACKLOG = 4096


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host` and `port` (0: any free one).

    Raises SettingsError when the port is in use or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEADDR") and hasattr(socket, "AF_UNIX"):
            # On Windows this option would let two servers share one port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        sock.close()
        raise SettingsError(
            f"The local server cannot listen on {host}, port {port}: {_why(error)}. "
            "Choose another port with --port, or 0 for any free one."
        ) from error
    sock.setblocking(False)
    return sock


def address(sock: socket.socket) -> str:
    """Return the base address of a bound socket, such as http://127.0.0.1:8123."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(config: SimulatorConfig, sock: socket.socket, ready: Callable[[], None]) -> None:
    """Serve on `sock` until the process is told to stop; `ready` is called once connections are taken.

    Raises KeyboardInterrupt after a clean end when it was stopped by Ctrl-C.
    """
    chat = Chat(config)
    server_config = uvicorn.Config(
        Application(chat, BatchDesk(chat)),
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=1,
    )

    def lean(
        config: uvicorn.Config, server_state: Any, app_state: dict[str, Any], _loop: Any = None
    ) -> asyncio.Protocol:
        ordinary = cast("Callable[..., asyncio.Protocol]", AutoHTTPProtocol)
        return LeanProtocol(chat, server_state.connections, lambda: ordinary(config, server_state, app_state, _loop))

    server_config.http = cast("type[asyncio.Protocol]", lean)
    server = _Server(server_config, ready)
    # What was imported lives as long as the process: kept out of every later collection.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(server.serve(sockets=[sock]))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ImportError):
        import uvloop

        make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
        return make
    return None


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.casefold()
    return "the port must be between 0 and 65535"
