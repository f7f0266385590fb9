"""A gateway that echoes the key wherever it can: it stays out of files, database, log, output and pages."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ketl.cli import main
from ketl.provider import untold
from tests.fakes import pseudo
from tests.ui.conftest import app, choose, finish, shown  # noqa: F401

# A gateway's own: nothing in its shape says that it is one.
KEY = "house/4711+secret=x"
MODELS = ("llama-3.3-70b-versatile", "openai/gpt-oss-120b")


class Gateway(ThreadingHTTPServer):
    """Answers completions with the key in every text, and between them with refusals that quote it."""

    daemon_threads = True

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.refuses = refuses
        self.count = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        rows = [{"id": name} for name in (*MODELS, f"{self.key}/llama-3.3-70b", f"llama {self.key}")]
        self._answer(200, {"object": "list", "data": rows})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.count += 1
            number = self.server.count
        if self.server.refuses or number % 2:
            self._answer(*self._refusal(number))
            return
        user = json.loads(asked["messages"][1]["content"])
        texts = {name: f"{pseudo(text, user['target_tag'])} {self.key}" for name, text in user["segments"].items()}
        texts[self.key] = self.key
        content = json.dumps(texts)
        if not number % 4:
            content = content.replace(self.key[0], f"\\u{ord(self.key[0]):04x}")
        choice = {"message": {"content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 9}
        self._answer(200, {"id": self.key, "model": self.key, "choices": [choice], "usage": usage})

    @property
    def key(self) -> str:
        return str(self.headers["authorization"]).removeprefix("Bearer ")

    def _refusal(self, number: int) -> tuple[int, dict[str, Any]]:
        said = f"Model `{MODELS[0]}` in organization {self.key} with Bearer {self.key}: {self.key}"
        kinds = (
            (400, "odd", said), (500, self.key, said), (429, "slow", said),
            (400, "json_validate_failed", said), (404, "model_not_found", said), (422, self.key, said),
            (403, self.key, said), (400, f"organization_{self.key}", said),
        )  # fmt: skip
        status, code, message = kinds[(number // 2) % (len(kinds) if self.server.refuses else 4)]
        error = {"message": message, "code": code, "type": self.key, "failed_generation": f'{{"{self.key}": "{said}'}
        return status, {"error": error}

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status, self.key)
        for name in ("x-request-id", "x-ratelimit-limit-requests", "retry-after", "set-cookie", "x-model"):
            self.send_header(name, "0" if name == "retry-after" and status == 429 else self.key)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[False, True], ids=["answers", "refuses"])
def gateway(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr(untold, "_PAUSE_S", 0.001)
    monkeypatch.setattr(untold, "_MAX_PAUSE_S", 0.004)
    with Gateway(refuses=request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def key(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, impatient: None) -> str:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("GROQ_BASE_URL", gateway.url)
    monkeypatch.setenv("KETL_LOG", "DEBUG")
    return KEY


def holding(folder: Path, key: str) -> list[str]:
    """Return the files below a folder that hold the key, packed ones unpacked."""
    found = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        parts = [path.read_bytes()]
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                parts += [packed.read(name) for name in packed.namelist()]
        if any(key.encode() in part or key.encode("utf-16-le") in part for part in parts):
            found.append(path.name)
    return found


def test_no_file_no_row_no_line_and_no_report_holds_the_key(
    key: str, gateway: Gateway, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for ending in ("csv", "xlsx", "tmx"):
        out, report = tmp_path / f"t.{ending}", tmp_path / f"{ending}.report.json"
        words = ["--product", "1", "--language", "es", "--out", str(out), "--report", str(report)]
        main(["translate", *words, *(["--pack", "1"] if ending == "csv" else [])])
    for words in (["runs"], ["models"], ["routes"], ["memory", "export", str(tmp_path / "memory.tmx")], ["doctor"]):
        main(words)
    said = "".join(capfd.readouterr())
    assert gateway.count > 4 and ("…" in (tmp_path / "t.csv").read_text("utf-8-sig")) is not gateway.refuses
    assert key not in said and key not in caplog.text
    assert holding(tmp_path, key) == []


def test_no_page_shows_the_key(
    key: str,
    app: AppTest,  # noqa: F811
    choose: Callable[..., None],  # noqa: F811
    finish: Callable[..., Any],  # noqa: F811
    shown: Callable[[AppTest], str],  # noqa: F811
    home: Path,
) -> None:
    app.run()
    choose(app, [0], ["es"])
    app.button("start").click().run()
    finish(app)
    pages = [shown(app), *(str(element) for element in app.main)]
    for name in ("review", "timing", "quality"):
        app.switch_page(f"pages/{name}.py").run()
        pages += [shown(app), *(str(element) for element in app.main)]
    assert not app.exception
    assert key not in "\n".join(pages)
    assert holding(home, key) == []
