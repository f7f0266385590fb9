"""What holds for every test: no network beyond this machine, an environment without keys, and one local server."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from ketl._words import forget_keys
from ketl.runs.connection import forget_accounts
from ketl.simulator import RunningSimulator, SimulatorConfig, start_simulator
from ketl.simulator.config import as_json
from tests.guard import NetworkGuard
from tests.store.postgres import Cluster, binaries, private_cluster

# A busy machine makes single examples slow, and a first one draws up tables; what a test promises is not a time.
hypothesis.settings.register_profile("ketl", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("ketl")

AT_ONCE = SimulatorConfig(time_scale=0)


@pytest.fixture(scope="session")
def _guard() -> Iterator[NetworkGuard]:
    guard = NetworkGuard()

    def guarded(method: Callable[..., Any], address_at: int) -> Callable[..., Any]:
        def call(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                guard.check(args[address_at][0])
            return method(self, *args)

        return call

    look_up = socket.getaddrinfo

    def guarded_look_up(host: object, *args: Any, **more: Any) -> Any:
        guard.check(host)
        return look_up(host, *args, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect, 0))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex, 0))
        patch.setattr(socket.socket, "sendto", guarded(socket.socket.sendto, -1))
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield guard


@pytest.fixture(autouse=True)
def network(_guard: NetworkGuard) -> Iterator[NetworkGuard]:
    """No test reaches the network; one whose program swallowed the refusal fails all the same."""
    _guard.refused.clear()
    yield _guard
    assert not _guard.refused, f"A test tried to reach {', '.join(_guard.refused)}."


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the person's own settings is seen, and the program's data folder is the test's."""
    for name in list(os.environ):
        if name.startswith(("GROQ_", "KETL_")) and not name.startswith("KETL_TEST_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("KETL_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """What the process remembers, the keys to hide, the accounts' lanes and the log's set-up, ends with the test.

    Servers go on.
    """
    log = logging.getLogger("ketl")
    level, handlers = log.level, list(log.handlers)
    yield
    log.setLevel(level)
    log.handlers[:] = handlers
    forget_keys()
    forget_accounts()


@pytest.fixture(scope="session")
def _server() -> Iterator[RunningSimulator]:
    with start_simulator(config=AT_ONCE) as running:
        yield running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of the tests' own; where none is installed, CI fails and a person's test is skipped."""
    if binaries() is None:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say("PostgreSQL is not installed here.")
    with private_cluster() as running:
        yield running


@pytest.fixture
def simulator(_server: RunningSimulator) -> RunningSimulator:
    """The local server, answering at once, with full limits and no counts."""
    _server.configure(as_json(AT_ONCE))
    _server.reset()
    return _server


@pytest.fixture
def keyed(simulator: RunningSimulator, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An environment whose provider is the local server; the key is the test's own, and so are its lanes."""
    key = f"gsk_{abs(hash(request.node.nodeid)):020d}"
    monkeypatch.setenv("GROQ_API_KEY", key)
    monkeypatch.setenv("GROQ_BASE_URL", simulator.base_url)
    return key


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are tried again almost at once."""
    monkeypatch.setattr("ketl.engine.retries.BACKOFF_CAP_S", 0.01)
