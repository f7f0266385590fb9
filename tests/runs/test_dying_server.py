"""The demo's own server dies, between runs and in the middle of one: it is started again and no text is lost."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ketl.cli import main
from ketl.errors import SettingsError
from ketl.provider.protocol import Call, Reply
from ketl.runs import connection, local_client
from ketl.runs.host import RunHost
from ketl.runs.job import Job
from ketl.settings import load_settings
from ketl.simulator import RunningSimulator, SimulatorConfig, start_simulator
from ketl.store.records import RunStatus
from tests.runs.test_host import ended

SOON = SimulatorConfig(plan="developer", time_scale=0.02)
AGAIN = "The local demo server had ended."


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch, impatient: None) -> Iterator[list[RunningSimulator]]:
    """The servers that were started, oldest first; the process's own are left out of it."""
    started: list[RunningSimulator] = []

    def start(**_: Any) -> RunningSimulator:
        started.append(start_simulator(config=SOON))
        return started[-1]

    monkeypatch.setattr(connection, "_simulators", {})
    monkeypatch.setattr(connection, "start_simulator", start)
    yield started
    for server in started:
        server.stop()


def die_at(monkeypatch: pytest.MonkeyPatch, servers: list[RunningSimulator], call: int) -> None:
    """Kill the server just before this call is sent, counted from one."""
    answer, count = local_client.LocalClient.complete, 0

    async def complete(self: local_client.LocalClient, asked: Call) -> Reply:
        nonlocal count
        count += 1
        if count == call:
            servers[-1]._process.kill()
        return await answer(self, asked)

    monkeypatch.setattr(local_client.LocalClient, "complete", complete)


@pytest.mark.parametrize(("call", "lives"), [(1, 2), (20, 2), (5, 3)], ids=["first", "middle", "twice"])
def test_a_server_that_dies_in_a_run_is_started_again_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, servers: list[RunningSimulator], tmp_path: Path, call: int, lives: int
) -> None:
    start = connection.start_simulator

    def start_and_die(**options: Any) -> RunningSimulator:
        server = start(**options)
        if 1 < len(servers) < lives:
            server._process.kill()
        return server

    monkeypatch.setattr(connection, "start_simulator", start_and_die)
    die_at(monkeypatch, servers, call)
    out = tmp_path / "t.csv"
    words = ["--product", "1", "--product", "2", "--language", "es", "--language", "ja", "--language", "ar"]
    assert main(["translate", *words, "--pack", "1", "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert len(rows) == 51 and {row["status"] for row in rows} == {"translated"}
    assert len(servers) == lives


def test_one_that_cannot_be_started_again_ends_the_run_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, servers: list[RunningSimulator], tmp_path: Path, capsys: Any
) -> None:
    def refuse(**_: Any) -> RunningSimulator:
        raise SettingsError("The port is in use.")

    begin = local_client.LocalClient.__init__

    def begun(self: local_client.LocalClient, *args: Any) -> None:
        begin(self, *args)
        monkeypatch.setattr(connection, "start_simulator", refuse)

    monkeypatch.setattr(local_client.LocalClient, "__init__", begun)
    die_at(monkeypatch, servers, 4)
    out = tmp_path / "t.csv"
    assert main(["translate", "--product", "1", "--language", "es", "--pack", "1", "--out", str(out)]) == 1
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert len(rows) == 9
    assert "Failed: The local demo server ended and could not be started again." in capsys.readouterr().err


def test_the_page_s_runs_outlive_their_server_too(
    monkeypatch: pytest.MonkeyPatch, servers: list[RunningSimulator], caplog: pytest.LogCaptureFixture
) -> None:
    die_at(monkeypatch, servers, 6)
    host = RunHost(load_settings({}))
    try:
        with caplog.at_level(logging.WARNING):
            views = [host.start(Job(products=(one,), languages=("es", "ja"), pack=1, memory=False)) for one in "12"]
            for view in views:
                assert ended(host, view).status is RunStatus.FINISHED and view.result is not None
                assert view.result.report["failed"] == view.result.report["cancelled"] == 0
        # Between two runs, nobody notices.
        servers[-1]._process.kill()
        assert ended(host, host.start(Job(products=("3",), languages=("es",)))).status is RunStatus.FINISHED
        assert len(servers) == 3 and caplog.text.count(AGAIN) == 2
    finally:
        host.close()
        host.store.close()
