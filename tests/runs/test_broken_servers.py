"""Runs on servers that answer in broken ways: each ends, soon, with a sentence and without a traceback."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ketl.engine import attempt_words, attempts, retries
from ketl.errors import RunError
from ketl.provider import groq_errors, lane, untold
from ketl.provider.groq import MAX_BODY_BYTES, GroqClient
from ketl.provider.tiers import load_tier
from ketl.runs.connection import open_connection
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.settings import load_settings
from ketl.store.store import Store
from tests.client.broken_server import JSON, KINDS, broken_server, http
from tests.client.wire import CALL, KEY
from tests.fakes import products, selection


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "BACKOFF_BASE_S", 0.001)
    monkeypatch.setattr(untold, "_PAUSE_S", 0.001)
    monkeypatch.setattr(untold, "_MAX_PAUSE_S", 0.004)
    monkeypatch.setattr(groq_errors, "_MAX_WAIT_S", 0.004)
    monkeypatch.setattr(attempts, "_SPARED_S", 0.01)
    monkeypatch.setattr(lane, "_MAX_OPEN_S", 0.01)
    for patience in ("_HOPELESS_FROM_THE_START_S", "_NO_API_S"):
        monkeypatch.setattr(attempt_words, patience, 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_ends_with_a_sentence(kind: str, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> RunResult:
        async with broken_server(kind) as url:
            settings = load_settings({"GROQ_API_KEY": KEY, "GROQ_BASE_URL": url})
            async with await open_connection(settings, load_tier("unlimited")) as session:
                return await Run(selection(products(1), "es"), session, store).execute()

    with caplog.at_level(logging.WARNING):
        result = asyncio.run(asyncio.wait_for(go(), 60.0))
    assert not [record for record in caplog.records if record.exc_info]
    for row in result.rows():
        assert row.status != "translated" and row.reason.endswith((".", "…")), (row.status, row.reason)
        assert KEY not in row.reason and "Traceback" not in row.reason


@pytest.mark.parametrize(
    "models",
    [
        b"",
        http(b"<html>"),
        http(b'{"data": null}', "200 OK", JSON),
        http(b'{"data": [1, null, {"id": null}]}', "200 OK", JSON),
        http(b'{"data": [{"id": "m", "context_window": 1e400}]}', "200 OK", JSON),
        http(b" " * (MAX_BODY_BYTES + 1), "200 OK", JSON),
    ],
    ids=["nothing", "HTML", "null", "rows of another shape", "infinite", "too large"],
)
def test_an_odd_list_of_models_is_a_sentence(models: bytes) -> None:
    async def go() -> str:
        async with broken_server("HTML", models=models) as url:
            client = GroqClient(KEY, url)
            try:
                await client.list_models()
            except RunError as error:
                return str(error)
            finally:
                await client.close()
            return "."

    assert asyncio.run(asyncio.wait_for(go(), 60.0)).endswith(".")


@pytest.mark.parametrize("kind", ["gzip bomb", "gzip bomb as an error", "chunks without end"])
def test_a_body_without_end_is_not_read_to_its_end(kind: str) -> None:
    async def go() -> str:
        async with broken_server(kind) as url:
            client = GroqClient(KEY, url)
            try:
                with pytest.raises(RunError) as caught:
                    await client.complete(CALL)
                return str(caught.value)
            finally:
                await client.close()

    assert "far too large" in asyncio.run(asyncio.wait_for(go(), 60.0))
