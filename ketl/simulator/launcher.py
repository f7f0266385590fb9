"""Starts the simulator as a child process that never outlives its parent."""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ketl.errors import SettingsError, UnreachableError
from ketl.simulator.config import SimulatorConfig, as_json, changed

_ROOT = Path(__file__).resolve().parents[2]
_POLL_S = 0.02
_STOP_S = 3.0


class RunningSimulator:
    """A simulator in a child process; a context manager that stops it at the end.

    `base_url` is scheme, host and port without a path, as the SDK's `base_url` wants it; `pid` and `port`
    are the child's.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port
        self.pid = process.pid
        self.base_url = f"http://127.0.0.1:{port}"
        atexit.register(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def ended(self, within_s: float) -> bool:
        """Return whether the child has ended, waiting for it so many seconds at the most."""
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End the child; doing so again does nothing."""
        atexit.unregister(self.stop)
        _end(self._process)

    def stats(self, *, seen: bool = True) -> dict[str, Any]:
        """Return what the server counted since its start or last reset. Raises UnreachableError if it is gone."""
        return self._ask("GET", "/_sim/stats" if seen else "/_sim/stats?seen=0")

    def configure(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change settings while it runs and return all of them.

        Raises SettingsError when it refuses one, UnreachableError if it is gone.
        """
        return self._ask("POST", "/_sim/config", json.dumps(values).encode())

    def reset(self) -> None:
        """Clear counts, fill limits up, begin scripted faults anew. Raises UnreachableError if it is gone."""
        self._ask("POST", "/_sim/reset")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        try:
            status, value = _request(self.port, method, path, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnreachableError("The local demo server no longer answers. Start it again.") from error
        if status != 200:
            raise SettingsError(
                str(value.get("error", {}).get("message", "The local demo server refused the setting."))
            )
        return value


def start_simulator(
    *,
    port: int = 0,
    plan: str = "developer",
    seed: int = 7,
    config: SimulatorConfig | None = None,
    ready_timeout_s: float = 15.0,
) -> RunningSimulator:
    """Start a simulator on 127.0.0.1 and return when it answers; `config` takes the place of plan and seed.

    Port 0 lets the child choose a free one, so any number run side by side. Raises SettingsError when the
    port is in use or a setting is wrong, UnreachableError when it does not answer within `ready_timeout_s`.
    """
    chosen = config if config is not None else changed(SimulatorConfig(), {"plan": plan, "seed": seed})
    if chosen.limits is None and Path(chosen.plan).is_file():
        # The child may have another working folder: it gets the figures, not the path.
        chosen = replace(chosen, limits=chosen.limits_by_model(), plan="developer")
    order = json.dumps({"port": port, "config": as_json(chosen)}).encode() + b"\n"
    deadline_s = time.monotonic() + ready_timeout_s
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "ketl.simulator", "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=os.environ | {"PYTHONPATH": _python_path()},
            # Ctrl-C in a terminal goes to the whole group; the parent still needs its server to wind down.
            **_own_group(),
        )
        try:
            assert process.stdin is not None and process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(order)
                process.stdin.flush()
            report = _first_line(process.stdout, deadline_s)
            if not report:
                raise _start_error(process, complaints)
            real_port = int(json.loads(report)["port"])
            _wait_until_healthy(real_port, deadline_s)
        except BaseException:
            _end(process)
            raise
    return RunningSimulator(process, real_port)


def _first_line(stream: IO[bytes], deadline_s: float) -> bytes:
    """Return the child's report, empty when it ended or did not come in time."""
    lines: list[bytes] = []
    # A pipe cannot be read with a time limit on every system; a thread can be waited for.
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(max(0.0, deadline_s - time.monotonic()))
    return lines[0] if lines else b""


def _wait_until_healthy(port: int, deadline_s: float) -> None:
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            if _request(port, "GET", "/healthz")[0] == 200:
                return
        if time.monotonic() > deadline_s:
            raise UnreachableError("The local demo server did not answer in time. Try again.", timed_out=True)
        time.sleep(_POLL_S)


def _request(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    # http.client knows no proxies: an HTTP_PROXY in the environment must not catch a call to this machine.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _start_error(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> SettingsError | UnreachableError:
    """Return why the child did not start, in its own words when it ended with a sentence."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        status = process.wait(1.0)
        complaints.seek(0)
        words = complaints.read().decode("utf-8", "replace").strip()
        if status == 2 and words and "\n" not in words:
            return SettingsError(words)
        return UnreachableError("The local demo server ended while starting. Check the installation and try again.")
    return UnreachableError("The local demo server did not start in time. Try again.", timed_out=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the child's standard input, which ends it, and see that it did."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _python_path() -> str:
    inherited = os.environ.get("PYTHONPATH")
    return f"{_ROOT}{os.pathsep}{inherited}" if inherited else str(_ROOT)


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
