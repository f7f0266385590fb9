"""Serves the simulator from the command line, or for a parent process that holds its standard input."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ketl.errors import SettingsError
from ketl.simulator.config import SimulatorConfig, changed, read_config


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m ketl.simulator") -> int:
    """Serve until Ctrl-C. Returns 0 after a clean end, 2 when the settings are wrong or the port is in use."""
    parser = argparse.ArgumentParser(prog=prog, description="A local server that answers as Groq's API does.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8765, help="port, 0 for any free one (default: %(default)s)")
    parser.add_argument("--plan", help="free, developer (default), unlimited, or a JSON file of limits")
    parser.add_argument("--seed", type=int, help="what all chance is drawn from (default: 7)")
    parser.add_argument("--config", type=Path, help="a JSON file of simulator settings")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    try:
        if options.child:
            return _serve_parent()
        config = read_config(options.config) if options.config else SimulatorConfig()
        given = {name: value for name in ("plan", "seed") if (value := getattr(options, name)) is not None}
        return _serve(changed(config, given), options.host, options.port)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


def _serve(config: SimulatorConfig, host: str, port: int) -> int:
    # Imported late: a wrong option is answered without loading a web server.
    from ketl.simulator.server import address, bind, serve

    sock = bind(host, port)
    where = address(sock)
    try:
        serve(
            config,
            sock,
            lambda: print(f"Serving Groq's API at {where} (plan {config.plan}). Ctrl-C stops it.", flush=True),
        )
    except KeyboardInterrupt:
        pass
    finally:
        sock.close()
    return 0


def _serve_parent() -> int:
    """Serve on the port that the parent's first line of JSON asks for, and end when the parent ends.

    The parent holds the other end of standard input. However it dies, the operating system closes that end,
    which is read here as the end of the file.
    """
    order = json.loads(sys.stdin.readline() or "{}")
    from ketl.simulator.server import bind, serve

    sock = bind("127.0.0.1", order.get("port", 0))

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(0)

    def ready() -> None:
        print(json.dumps({"port": sock.getsockname()[1], "pid": os.getpid()}), flush=True)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
    serve(changed(SimulatorConfig(), order.get("config", {})), sock, ready)
    return 0


if __name__ == "__main__":
    sys.exit(main())
