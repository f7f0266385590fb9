"""Nothing holds the event loop for long, whatever a server answers and a catalogue says: all other runs would wait."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ketl.catalog.catalog import Catalog
from ketl.errors import RunError
from ketl.provider.groq import MAX_BODY_BYTES, GroqClient
from ketl.provider.protocol import Reply
from ketl.runs.connection import Connection
from ketl.runs.drive import drive
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.store.store import Store
from tests.client.broken_server import CHUNKED, JSON, PACKED, broken_server, http
from tests.client.wire import CALL, KEY
from tests.fakes import FakeProvider, lanes_for, open_fake
from tests.hostile_texts import TEXTS
from tests.loop_watch import watched_steps

MOST_S = 0.1
FULL = MAX_BODY_BYTES - 1_000

SHAPES: dict[str, bytes] = {
    "empty lists": b"[" + b",".join([b"[]"] * (FULL // 3)) + b"]",
    "objects of objects": b"[" + b",".join([b'{"a":{}},{"b":{}}'] * (FULL // 18)) + b"]",
    "pairs": b"{" + b",".join([b'"%d":"v"' % number for number in range(FULL // 12)]) + b"}",
    "brackets": b"[" * FULL,
    "one text": b'"' + b"x" * (FULL - 2) + b'"',
    "escaped quotes": b'"' + b'\\"' * (FULL // 2 - 1) + b'"',
}


def held_s(act: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """Return the longest time, in seconds of the CPU, for which the loop did one thing only."""
    with watched_steps() as steps:
        asyncio.run(act())
    return steps.longest_s


async def ask(kind: bytes | list[bytes]) -> Reply | RunError:
    async with broken_server(kind) as url:
        client = GroqClient(KEY, url)
        try:
            return await client.complete(CALL)
        except RunError as error:
            return error
        finally:
            await client.close()


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_of_any_shape_up_to_its_bound_is_read_at_once(shape: str) -> None:
    body = SHAPES[shape]
    written = json.dumps(body.decode()[: FULL // 2 - 500]).encode()
    failed = b'{"error": {"code": "json_validate_failed", "failed_generation": ' + written + b"}}"

    async def all_ways() -> None:
        for answer in (
            http(body, "200 OK", JSON),
            http(body, "400 Bad Request", JSON),
            http(gzip.compress(body, 1), "200 OK", JSON, PACKED),
            http(failed, "400 Bad Request", JSON),
        ):
            await ask(answer)

    assert held_s(all_ways) < MOST_S


def test_an_answer_in_endless_small_pieces_holds_nothing_up() -> None:
    assert held_s(lambda: ask([CHUNKED, *[b"1\r\n \r\n" * 1_000] * 300])) < MOST_S


def test_a_long_text_is_read_and_judged_beside_the_loop(store: Store) -> None:
    """Of 100 kB, about as long as what the limits of a minute let through."""
    copy = "Warm lining, taped seams. It packs into its own hood, 121g; UPF 50+ <b>YKK</b> zip. "
    catalog = Catalog.of([{"product_id": 1, "product_name": "Jacket", "other_details": copy * (100_000 // len(copy))}])
    assert held_s(lambda: run(catalog, store, "es", "ja")) < MOST_S


def test_a_megabyte_of_text_is_made_ready_beside_the_loop() -> None:
    catalog = Catalog.of([{"product_id": 1, "product_name": "Jacket", "other_details": "A <b>soft</b> one. " * 50_000}])
    assert held_s(lambda: run(catalog, None, "es")) < MOST_S


@pytest.mark.parametrize("pack", [1, None])
def test_hostile_texts_hold_nothing_up(pack: int | None, store: Store) -> None:
    rows = [
        {"product_id": f"p{number}", "product_name": "Jacket", "other_details": text}
        for number, text in enumerate(TEXTS)
    ]
    assert held_s(lambda: run(Catalog.of(rows), store, "es", "ar", "ja", pack=pack)) < MOST_S


def test_ten_thousand_rows_are_sent_remembered_and_written_beside_one_another(store: Store) -> None:
    rows = [
        {
            "product_id": number,
            "product_name": f"Summit Jacket model {number}",
            "other_details": f"A jacket for {number % 50 + 1} days of rain. It packs into its own hood.",
            "available_colors": ["Red", "Blue"],
        }
        for number in range(1_250)
    ]
    for _ in ("asked for", "known"):
        assert held_s(lambda: run(Catalog.of(rows), store, "es", "ar")) < MOST_S


async def run(catalog: Catalog, store: Store | None, *languages: str, **job: Any) -> RunResult:
    provider = FakeProvider(seconds=lambda call, user, number: 0.001)

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        yield open_fake(provider, lanes_for(provider))

    return await drive(Job(languages=languages, **job), connect, store, catalog=catalog)
