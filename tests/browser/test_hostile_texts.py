"""Texts that would like to be more than text, on every page: no picture is fetched, no script runs, nothing is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import serve
from tests.browser.test_translating import choose_languages, press_translate, settled, wait_for_the_end

pytestmark = pytest.mark.browser


class Listener(ThreadingHTTPServer):
    """Notes every request that a text brought about; under `/openai` it is a provider that says only such texts.

    It refuses to translate into German, and gives such translations into other languages.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def hostile(self, name: str) -> str:
        """Return a text that asks for `name` here in every way that a page could understand."""
        at = f"{self.address}/{name}"
        return (
            f"![{name}]({at}.md) <img src={at}.img onerror=window.ran=1> <script>window.ran=1</script> "
            f'[link](javascript:window.ran=1) {at}.bare :red[red] :material/home: :smile: $\\frac12$ "{name}"'
        )


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        if self.path == "/openai/v1/models":
            names = ("llama-3.3-70b-versatile", self.server.hostile("model"))
            self._answer(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})
        else:
            self.server.heard.append(self.path)
            self._answer(404, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        user = json.loads(asked["messages"][1]["content"])
        if user["target_tag"] == "de":
            said = {"message": self.server.hostile("provider"), "type": "invalid_request_error", "code": "odd"}
            self._answer(400, {"error": said})
            return
        content = json.dumps({key: self.server.hostile(f"answer-{key}") for key in user["segments"]})
        usage = {"prompt_tokens": 9, "completion_tokens": 9}
        choice = {"message": {"content": content}, "finish_reason": "stop"}
        self._answer(200, {"model": self.server.hostile("served"), "choices": [choice], "usage": usage})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def upload(page: Any, name: str, rows: object) -> None:
    page.get_by_role("button", name="Another catalogue").click()
    content = json.dumps(rows).encode()
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(
        {"name": name, "mimeType": "application/json", "buffer": content}
    )
    settled(page)


def all_of(page: Any) -> None:
    page.keyboard.press("Escape")
    page.locator(".st-key-all button").click()
    settled(page)


def quiet(page: Any, listener: Listener) -> None:
    page.wait_for_load_state("networkidle")
    assert listener.heard == []
    assert page.evaluate("window.ran") is None
    assert page.locator('img[src*="127.0.0.1"]').count() == 0


def test_no_text_of_a_catalogue_becomes_more_than_text(tab: Any, demo_app: str, listener: Listener) -> None:
    bad = {"product_id": listener.hostile("id"), "product_name": "Twice"}
    tab.goto(demo_app)
    settled(tab)
    upload(tab, "![x](twice).json", [bad, bad])
    box = tab.locator(".k-note.k-error", has_text="more than once")
    box.wait_for()
    assert listener.hostile("id") in box.inner_text()
    quiet(tab, listener)

    tab.reload()
    settled(tab)
    fields = {key: listener.hostile(key) for key in ("product_name", "other_details", "description")}
    upload(tab, "good.json", [{"product_id": listener.hostile("one"), **fields}, {"product_id": "2", **fields}])
    tab.get_by_text("good.json", exact=True).wait_for()
    all_of(tab)
    choose_languages(tab, "German", "Arabic")
    quiet(tab, listener)
    press_translate(tab)
    wait_for_the_end(tab)
    quiet(tab, listener)
    tab.get_by_text("Table", exact=True).click()
    settled(tab)
    quiet(tab, listener)
    for name in ("Review", "Timing", "Quality"):
        tab.get_by_role("link", name=name).click()
        settled(tab)
        quiet(tab, listener)


def test_no_sentence_of_a_provider_becomes_more_than_text(tab: Any, listener: Listener, tmp_path: Path) -> None:
    with serve(tmp_path, GROQ_API_KEY="a-test-key", GROQ_BASE_URL=listener.address) as address:
        tab.goto(address)
        settled(tab)
        tab.locator(".st-key-all button").click()
        settled(tab)
        choose_languages(tab, "German", "Arabic")
        press_translate(tab)
        wait_for_the_end(tab)
        said = tab.get_by_test_id("stMain").inner_text()
        quiet(tab, listener)
        tab.get_by_text("Table", exact=True).click()
        settled(tab)
        quiet(tab, listener)
        for name in ("Review", "Timing", "Quality"):
            tab.get_by_role("link", name=name).click()
            settled(tab)
            quiet(tab, listener)
            said += tab.get_by_test_id("stMain").inner_text()
        assert "![provider](" in said and "answer-" in said
