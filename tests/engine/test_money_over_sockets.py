"""Answers that are billed and useless, and accounts that are refused: over sockets, from the command line."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ketl.cli import main
from ketl.provider.models import MODELS
from tests.fakes import translated

ORGANIZATION = "org_01hxyz0123456789abcdefghij"
NO_ROOM = "max completion tokens reached before generating a valid document"
JACKET = {
    "product_id": "1",
    "product_name": "Warm wool jacket",
    "other_details": "A warm jacket for cold days and long rides through the hills, made to last.",
}
Body = dict[str, Any]


@dataclass
class Scripted:
    """A provider that is one function from a call's body to status and answer; keeps what it was asked and said."""

    answer: Callable[[Body], tuple[int, Body]]
    calls: list[Body] = field(default_factory=list)
    said: list[tuple[Body, int, Body]] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(200, {"data": [{"id": name, "active": True} for name in MODELS]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.calls.append(body)
                status, answer = outer.answer(body)
                outer.said.append((body, status, answer))
                self._send(status, answer)

            def _send(self, status: int, answer: Body) -> None:
                sent = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def billed_usd(self) -> float:
        """What all answers with a usage cost by the price list."""
        return sum(_usd(body, answer) for body, _, answer in self.said)


def _usd(body: Body, answer: Body) -> float:
    usage, model = answer.get("usage"), MODELS[body["model"]]
    if usage is None:
        return 0.0
    return (usage["prompt_tokens"] * model.prompt_usd + usage["completion_tokens"] * model.completion_usd) / 1e6


def ceiling_of(body: Body) -> int:
    return int(body["max_completion_tokens"])


def right(body: Body) -> tuple[int, Body]:
    content = translated(json.loads(body["messages"][1]["content"]))
    return 200, {
        "choices": [{"message": {"content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": len(content) // 4},
    }


def eaten(below: int) -> Callable[[Body], tuple[int, Body]]:
    """Return a provider whose hidden reasoning uses up every ceiling below this."""

    def answer(body: Body) -> tuple[int, Body]:
        if ceiling_of(body) >= below:
            return right(body)
        return 200, {
            "choices": [{"message": {"content": ""}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 300, "completion_tokens": ceiling_of(body)},
        }

    return answer


def refused(code: str, message: str, **more: object) -> tuple[int, Body]:
    return 400, {"error": {"code": code, "type": "invalid_request_error", "message": message, **more}}


@dataclass
class Ended:
    status: int
    rows: list[dict[str, str]]
    report: Body
    said: str


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Iterator[Callable[..., tuple[Scripted, Ended]]]:
    """Return what translates rows against a scripted provider with the command line."""
    servers: list[Scripted] = []

    def go(
        answer: Callable[[Body], tuple[int, Body]], rows: list[Body], *words: str, languages: tuple[str, ...] = ("de",)
    ) -> tuple[Scripted, Ended]:
        server = Scripted(answer)
        servers.append(server)
        monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghijABCDEFGHIJ")
        monkeypatch.setenv("GROQ_BASE_URL", server.url)
        source, out, report = tmp_path / "rows.json", tmp_path / "t.csv", tmp_path / "r.json"
        source.write_text(json.dumps(rows))
        chosen = [word for language in languages for word in ("--language", language)]
        files = ["--catalog", str(source), "--out", str(out), "--report", str(report), "--glossary", "none"]
        status = main(["translate", *files, *chosen, *words])
        with out.open(encoding="utf-8-sig", newline="") as handle:
            written = list(csv.DictReader(handle))
        return server, Ended(status, written, json.loads(report.read_text()), capsys.readouterr().err)

    yield go
    for server in servers:
        server.close()


def assert_counted(server: Scripted, ended: Ended) -> None:
    """Every billed token is in the report, and what was given up besides is told."""
    usages = [answer["usage"] for _, _, answer in server.said if "usage" in answer]
    told = ended.report["tokens"]
    assert ended.report["given_up"] == 0
    assert told["prompt"] == sum(usage["prompt_tokens"] for usage in usages)
    assert told["completion"] == sum(usage["completion_tokens"] for usage in usages)
    assert ended.report["cost_usd"] == pytest.approx(server.billed_usd, abs=1e-6)
    assert ended.report["attempts"] == len(server.calls)


def test_a_ceiling_that_hidden_reasoning_ate_is_widened_at_the_first_sign(run: Any) -> None:
    server, ended = run(eaten(700), [JACKET])
    assert ended.status == 0 and {row["status"] for row in ended.rows} == {"translated"} and len(ended.rows) == 2
    assert len(server.calls) <= 4  # each text once without the room and once with it
    assert_counted(server, ended)


def test_the_same_shortage_told_by_a_400_is_widened_as_well(run: Any) -> None:
    def answer(body: Body) -> tuple[int, Body]:
        if ceiling_of(body) >= 700:
            return right(body)
        return refused("json_validate_failed", "Failed to generate JSON.", failed_generation=NO_ROOM)

    server, ended = run(answer, [JACKET])
    assert ended.status == 0 and {row["status"] for row in ended.rows} == {"translated"} and len(ended.rows) == 2
    assert len(server.calls) <= 4
    assert_counted(server, ended)


def test_whole_pairs_of_what_the_provider_could_not_read_are_kept(run: Any) -> None:
    asked: list[list[str]] = []

    def answer(body: Body) -> tuple[int, Body]:
        segments = json.loads(body["messages"][1]["content"])["segments"]
        asked.append(sorted(segments.values()))
        if len(asked) > 1:
            return right(body)
        whole = right(body)[1]["choices"][0]["message"]["content"]
        begun = whole[: whole.rindex('"', 0, -4)]
        return refused("json_validate_failed", f"Failed to generate JSON: {NO_ROOM}.", failed_generation=begun)

    server, ended = run(answer, [JACKET], "--pack", "4")
    assert ended.status == 0 and len(ended.rows) == 2
    assert [len(texts) for texts in asked] == [2, 1]
    assert_counted(server, ended)


def test_answers_that_tell_no_usage_are_said_to_cost_what_nobody_knows(run: Any) -> None:
    def answer(body: Body) -> tuple[int, Body]:
        status, made = right(body)
        return status, {"choices": made["choices"]}

    _, ended = run(answer, [JACKET], "--pack", "1")
    assert ended.status == 0 and ended.report["cost_usd"] is None and ended.report["untold"] == 2
    assert "What 2 answers cost is not known" in ended.said


def test_a_cap_holds_when_every_billed_answer_is_useless(run: Any) -> None:
    details = " ".join(f"Sentence {n} tells of cold days and long rides through the hills." for n in range(1, 7))
    rows = [
        {**JACKET, "product_id": str(n), "product_name": f"Warm jacket {n}", "other_details": f"Number {n}. {details}"}
        for n in range(1, 9)
    ]
    server, ended = run(eaten(100_000), rows, "--pack", "4", "--max-cost", "0.02", languages=("de", "fr", "es"))
    assert server.billed_usd <= 0.02 + 1e-9
    assert ended.status == 1 and len(ended.rows) == 48
    assert "cost cap" in ended.said
    assert_counted(server, ended)


def test_a_refused_account_ends_the_run_after_a_handful_of_calls(run: Any) -> None:
    words = f"Organization `{ORGANIZATION}` has been restricted. Please reach out to support."
    rows = [{**JACKET, "product_id": str(n), "product_name": f"Warm wool jacket {n}"} for n in range(1, 9)]
    server, ended = run(
        lambda body: refused("organization_restricted", words), rows, "--pack", "1", languages=("de", "fr")
    )
    assert len(server.calls) <= 7
    assert ended.status == 1 and "has been restricted" in ended.said and ORGANIZATION not in ended.said
    assert ORGANIZATION not in json.dumps(ended.report)


def test_a_provider_that_refuses_whatever_is_sent_is_asked_no_more(run: Any) -> None:
    rows = [{**JACKET, "product_id": str(n), "product_name": f"Warm wool jacket {n}"} for n in range(1, 9)]

    def answer(body: Body) -> tuple[int, Body]:
        return refused("tea_time", f"The door of `{body['model']}` is shut until {len(body['messages'])} o'clock.")

    server, ended = run(answer, rows, "--pack", "1", languages=("de", "fr"))
    assert len(server.calls) <= 16
    assert ended.status == 1 and "is shut until" in ended.said


def test_the_providers_own_ceiling_is_learned_and_nothing_is_lost(run: Any) -> None:
    def answer(body: Body) -> tuple[int, Body]:
        if ceiling_of(body) > 300:
            words = "`max_completion_tokens` must be less than or equal to `300` for this model."
            return refused("invalid_value", words, param="max_completion_tokens")
        status, made = right(body)
        if made["usage"]["completion_tokens"] > ceiling_of(body):
            content = made["choices"][0]["message"]["content"][: 4 * ceiling_of(body)]
            made["choices"] = [{"message": {"content": content}, "finish_reason": "length"}]
            made["usage"]["completion_tokens"] = ceiling_of(body)
        return status, made

    rows = [{**JACKET, "product_id": str(n), "product_name": f"Warm wool jacket {n}"} for n in range(1, 9)]
    server, ended = run(answer, rows, "--pack", "16")
    assert ended.status == 0 and {row["status"] for row in ended.rows} == {"translated"} and len(ended.rows) == 16
    assert sum(ceiling_of(body) > 300 for body in server.calls) <= 2
    assert_counted(server, ended)
