"""The command line around its commands: how it was started, its version, its log, `--resume`, and the page."""

from __future__ import annotations

import argparse
import re
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import ketl
from ketl import logs
from ketl._shipped import shipped
from ketl.cli import build_parser, main
from ketl.cli.program import program
from ketl.cli.progress import Progress
from ketl.cli.resuming import JOB_OPTIONS, refuse_beside_resume
from ketl.cli.serving import streamlit_command
from ketl.cli.statuses import ExitStatus
from ketl.errors import SettingsError
from ketl.results.events import LimitReached


def commands() -> dict[str, argparse.ArgumentParser]:
    return next(dict(a.choices) for a in build_parser()._actions if a.choices and "translate" in a.choices)  # type: ignore[call-overload]


def test_the_version_is_one_and_is_shown(capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"ketl {ketl.__version__}\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+", ketl.__version__)


def test_the_statuses_are_the_numbers_that_other_programs_know() -> None:
    assert {s.name: int(s) for s in ExitStatus} == {
        "OK": 0, "SOME_FAILED": 1, "WRONG_INPUT": 2, "INTERRUPTED": 130,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("started", "says"),
    [
        ("/usr/local/bin/ketl", "ketl"),
        (r"ketl.exe", "ketl"),
        ("/checkout/ketl/__main__.py", "python -m ketl"),
        ("-c", "python -m ketl"),
    ],
)
def test_help_and_messages_name_the_command_as_it_was_started(
    started: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(sys, "argv", [started])
    assert program() == says
    assert build_parser().format_usage().startswith(f"usage: {says} ")
    assert main(["plan", "--language", "Klingon"]) == 2
    said = capsys.readouterr().err
    assert f"“{says} languages”" in said
    assert main(["runs"]) == 0
    assert f"“{says} translate --language" in capsys.readouterr().out
    for words in (["simulator", "--help"], ["--verbose", "simulator", "--help"]):
        with pytest.raises(SystemExit):
            main(words)
        assert capsys.readouterr().out.startswith(f"usage: {says} simulator ")


@pytest.mark.parametrize(
    ("words", "level"),
    [
        (["languages"], "ERROR"),
        (["--verbose", "languages"], "INFO"),
        (["languages", "--verbose"], "INFO"),
        (["-v", "languages"], "INFO"),
        (["languages", "-vv"], "DEBUG"),
    ],
)
def test_verbose_is_taken_before_and_after_the_command(
    words: list[str], level: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(logs, "set_up", asked.append)
    assert main([*words, "--json"]) == 0 and capsys.readouterr().out
    assert asked == [("ERROR", "INFO", "DEBUG").index(level)]


def test_every_option_of_a_translation_is_explained(capsys: Any) -> None:
    for name in ("translate", "plan"):
        for action in commands()[name]._actions:
            assert action.help, f"{name} {action.option_strings} has no help"


# What may stand beside --resume: it says where the result goes, not what is done.
BESIDE = {"help", "verbose", "out", "layout", "report", "resume"}


def test_what_contradicts_a_resumed_run_is_every_option_that_says_what_to_do() -> None:
    translate = commands()["translate"]
    assert {action.dest for action in translate._actions} == BESIDE | JOB_OPTIONS.keys()
    assert {name: translate.get_default(name) for name in JOB_OPTIONS} == JOB_OPTIONS


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--language", "French"], "so --language cannot be given"),
        (["--no-memory"], "so --no-memory cannot"),
        (["--product", "1", "--max-cost", "2"], "so --product and --max-cost cannot"),
        (["--mode", "compare", "--pack", "4", "--route", "es=m"], "so --mode, --pack and --route cannot"),
    ],
)
def test_a_resumed_run_takes_no_selection(words: list[str], named: str) -> None:
    options = build_parser().parse_args(["translate", "--resume", "ab12", *words])
    with pytest.raises(SettingsError, match=f"--resume ab12 goes on with .*{named}.* start a new run"):
        refuse_beside_resume(options)


def test_a_resumed_run_takes_a_file_and_a_new_run_takes_all() -> None:
    for words in (["--resume", "ab12", "--out", "x.csv", "--layout", "wide", "-v"], ["--language", "es"]):
        refuse_beside_resume(build_parser().parse_args(["translate", *words]))


def test_the_page_is_started_with_what_was_asked_for() -> None:
    def started(*words: str) -> list[str]:
        return streamlit_command(build_parser().parse_args(["app", *words]))

    assert started() == ["streamlit", "run", str(shipped("app.py"))]
    own = ["--server.baseUrlPath=x", "--theme.base=dark"]
    flags = started("--port", "8600", "--address", "0.0.0.0", "--", *own)[3:]
    assert flags == ["--server.port=8600", "--server.address=0.0.0.0", *own]
    for port in ("0", "65536", "-1", "web"):
        with pytest.raises(SettingsError, match="--port takes a number from 1 to 65535"):
            started(f"--port={port}")


def test_the_page_opens_from_any_folder_and_ends_on_ctrl_c(tmp_path: Path, home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = subprocess.Popen(
        [sys.executable, "-m", "ketl", "app", "--port", str(port), "--", "--server.enableCORS=true"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(ketl.__file__).parents[1]), "KETL_HOME": str(home), "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert page.stdout is not None
        # The shipped settings hold: this machine only, and no browser is opened.
        assert any(f"URL: http://127.0.0.1:{port}" in line for line in page.stdout)
        for path, holds in (("/_stcore/health", b"ok"), ("/", b"<title>Streamlit</title>")):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                assert holds in answer.read()
    finally:
        page.send_signal(signal.SIGINT)
        told, _ = page.communicate(timeout=60)
    assert "Traceback" not in told and page.returncode == 0


def test_the_settings_stand_where_streamlit_looks_for_them() -> None:
    settings = tomllib.loads((shipped("app.py").parent / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["theme"]["light"]["primaryColor"] and settings["server"]["address"] == "127.0.0.1"


def test_a_limit_is_told_once_for_a_burst_and_again_when_all_is_refused_for_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("ketl.cli.progress.time.monotonic", lambda: now[0])
    progress = Progress("groq")
    for _ in range(9):
        progress.take(LimitReached("llama", "RPM", 12.0, True))
        progress.take(LimitReached("qwen", "PAUSE", 1.0, True))
    assert capsys.readouterr().err == "llama waits 12.0 s for its requests a minute.\n"
    now[0] += 8.0
    progress.take(LimitReached("qwen", "PAUSE", 2.0, True))
    progress.take(LimitReached("qwen", "PAUSE", 2.0, True))
    assert capsys.readouterr().err == (
        "qwen waits 2.0 s for a limit that the provider does not name; nothing has got through for 8.0 s.\n"
    )
