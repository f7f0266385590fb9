"""The simulator lives exactly as long as whoever started it, and its command line speaks in sentences."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ketl.errors import SettingsError, UnreachableError
from ketl.simulator import SimulatorConfig, start_simulator
from ketl.simulator.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import sys, time
from ketl.simulator import start_simulator
with start_simulator() as running:
    print(running.pid, flush=True)
    time.sleep(60)
"""

needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for a foreign process needs Linux")


def ended_within(pid: int, seconds: float) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


@needs_pidfd
def test_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert not ended_within(child, 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert ended_within(child, 5)


def test_two_run_side_by_side_and_stopping_one_leaves_the_other() -> None:
    with start_simulator(plan="free") as first, start_simulator(seed=8) as second:
        assert first.port != second.port
        assert first.configure({})["plan"] == "free" and second.configure({})["seed"] == 8
        first.stop()
        assert not first.running and second.running
        with pytest.raises(UnreachableError):
            first.stats()
        assert second.stats()["requests"] == 0


def test_proxy_in_the_environment_does_not_catch_the_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with start_simulator() as running:
        assert running.stats()["requests"] == 0


def test_plan_file_and_settings_reach_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text('{"*": {"rpm": 12}}', encoding="utf-8")
    with start_simulator(config=SimulatorConfig(plan="plan.json", faults={"500": 0.5})) as running:
        settings = running.configure({})
    assert settings["limits"]["*"]["rpm"] == 12 and settings["faults"] == {"500": 0.5}


def test_port_in_use_is_a_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="Choose another port"):
            start_simulator(port=port)
        assert main(["--port", str(port)]) == 2
    assert "address already in use" in capsys.readouterr().err


def test_wrong_settings_are_sentences_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    unknown = tmp_path / "unknown.json"
    unknown.write_text('{"time_scael": 1}', encoding="utf-8")
    for options in (
        ["--plan", "fre"],
        ["--config", str(broken)],
        ["--config", str(unknown)],
        ["--config", "none.json"],
    ):
        assert main(options) == 2
    words = capsys.readouterr().err
    assert "Did you mean free" in words and "Did you mean time_scale" in words and "Traceback" not in words


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process on Windows")
def test_foreground_server_says_its_address_and_ends_cleanly_on_ctrl_c() -> None:
    command = [sys.executable, "-m", "ketl.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert "http://127.0.0.1:" in line
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
        assert process.stderr.read() == ""


def test_settings_survive_the_way_to_json_and_back() -> None:
    from ketl.simulator.config import as_json, changed

    config = changed(
        SimulatorConfig(),
        {"latency_s": [0.1, 0.2], "script": ["500", {"fault": "echo", "times": None}], "plan": {"m": {"tpm": 5}}},
    )
    assert changed(SimulatorConfig(), json.loads(json.dumps(as_json(config)))) == config
