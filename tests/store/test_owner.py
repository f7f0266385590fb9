"""A run belongs to one process, and a process that is gone holds nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from ketl.store import owner
from ketl.store.owner import STALE_AFTER_S, is_alive, this_process

HERE = socket.gethostname()


def test_this_process_is_alive_until_its_heartbeat_is_stale() -> None:
    assert is_alive(this_process(), 0.0)
    assert is_alive(this_process(), STALE_AFTER_S)
    assert not is_alive(this_process(), STALE_AFTER_S + 0.1)


def test_of_a_process_elsewhere_only_the_heartbeat_is_known() -> None:
    assert is_alive("another-host|1|boot:1", 29.0)
    assert not is_alive("another-host|1|boot:1", 31.0)


def test_a_number_that_another_process_has_now_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "_birth", lambda pid: "boot:later")
    assert is_alive(f"{HERE}|{os.getpid()}|boot:later", 1.0)
    assert not is_alive(f"{HERE}|{os.getpid()}|boot:earlier", 1.0)


@pytest.mark.parametrize("born", [True, False], ids=["birth known", "birth unknown"])
def test_a_process_that_has_ended_is_dead_at_once(born: bool) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    assert not is_alive(f"{HERE}|{child.pid}|{'boot:1' if born else ''}", 0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="asking would end the process there")
def test_where_births_are_not_to_be_known_the_number_decides() -> None:
    assert is_alive(f"{HERE}|{os.getpid()}|", 0.0)
