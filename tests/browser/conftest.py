"""A real Chromium before the real app; the tests watch that nothing complains and nothing leaves this computer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ketl.simulator.config import SimulatorConfig
from ketl.simulator.launcher import start_simulator

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PROBES = ("/_stcore/health", "/_stcore/host-config")
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serve(home: Path, **more: str) -> Iterator[str]:
    """Run the app on a free port and give its address; `more` is added to a bare environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GROQ_", "KETL_"))}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    log = (home / "app.log").open("wb")
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=log, env={**environment, "KETL_HOME": str(home), **more}
    )
    try:
        _wait_until_healthy(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes]) -> None:
    # Unknown paths answer 200 with the page itself, so the body must be read.
    until = time.monotonic() + 40
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            pass
    raise AssertionError("the app did not start")


# Not for the whole session: Playwright keeps a loop running in this thread until it is closed, and other tests
# need the thread for loops of their own.
@pytest.fixture(scope="module")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("demo")) as address:
        yield address


@pytest.fixture(scope="module")
def slow_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app with a key, whose provider takes seconds for every answer: runs with a middle to do things in."""
    config = SimulatorConfig(plan="unlimited", latency_s=(3.5, 5.0))
    with (
        start_simulator(config=config) as provider,
        serve(tmp_path_factory.mktemp("slow"), GROQ_API_KEY="a-test-key", GROQ_BASE_URL=provider.base_url) as address,
    ):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    with playwright_api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if path is None and not Path(own).exists():
            say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            say("no Chromium here: install it with “apt-get install chromium” or “playwright install chromium”")
        browser = playwright.chromium.launch(executable_path=path or own)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):  # type: ignore[no-untyped-def]  # playwright may be absent where this is type-checked
    """A fresh visitor's tab; after the test nothing may have complained or left this computer."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))

    def hear(said: Any) -> None:
        # A deep link makes Streamlit's page try its own addresses below the link's folder first: two harmless 404.
        if said.type == "error" and not said.location.get("url", "").endswith(PROBES):
            complaints.append(f"console: {said.text} {said.location}")

    page.on("console", hear)

    def watch(url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob", "about") and urlsplit(url).hostname != "127.0.0.1":
            complaints.append(f"left this computer: {url}")

    page.on("request", lambda request: watch(request.url))
    page.on("websocket", lambda websocket: watch(websocket.url))
    yield page
    context.close()
    assert complaints == []
