"""Tries the installed program from an empty folder, as somebody does who has only the wheel.

Run by the Python of the environment it is installed in, from an empty folder; needs nothing but the standard library.
"""

from __future__ import annotations

import csv
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

KETL = str(Path(sys.executable).with_name("ketl"))
# As on a machine where nothing was set up: no key, so the local server answers.
BARE = {name: value for name, value in os.environ.items() if not name.startswith(("GROQ_", "PYTHON", "STREAMLIT_"))}


def ketl(*words: str) -> str:
    """Run one command, which must end well, and return what it printed."""
    print("+ ketl", *words, flush=True)
    ended = subprocess.run([KETL, *words], stdout=subprocess.PIPE, text=True, encoding="utf-8", env=BARE, timeout=180)
    assert ended.returncode == 0, f"ketl {' '.join(words)} ended with {ended.returncode}"
    return ended.stdout


def try_commands() -> None:
    """The version, a plan, and a translation in a file."""
    print(ketl("--version"), end="")
    assert "Spanish" in ketl("languages") and "Predicted time" in ketl("plan", "--language", "Spanish")
    ketl("translate", "--product", "1", "--language", "Spanish", "--out", "x.csv")
    with open("x.csv", encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows and all(row["status"] == "translated" and row["translation"] for row in rows), rows[:3]


def try_page() -> None:
    """The page answers with the shipped settings, and ends on Ctrl-C."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print("+ ketl app --port", port, flush=True)
    page = subprocess.Popen([KETL, "app", "--port", str(port)], stdout=subprocess.PIPE, text=True, env=BARE)
    try:
        assert page.stdout is not None
        assert any(f"http://127.0.0.1:{port}" in line for line in page.stdout), "the page did not start"
        for path, holds in (("/_stcore/health", b"ok"), ("/", b"<title>Streamlit</title>")):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                assert holds in answer.read(), f"{path} did not answer as a page does"
    finally:
        page.send_signal(signal.SIGINT)
        page.communicate(timeout=60)
    assert page.returncode == 0, f"Ctrl-C ended the page with {page.returncode}"


if __name__ == "__main__":
    assert os.listdir() == [], "this must be tried in an empty folder"
    try_commands()
    try_page()
    print("The installed program works.")
