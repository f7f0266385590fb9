"""The files and batches of the API, through the official SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import groq
import pytest
from groq import AsyncGroq

from ketl.simulator import RunningSimulator
from tests.simulator.wire import request

Sdk = Callable[[], AbstractAsyncContextManager[AsyncGroq]]
URL = "/v1/chat/completions"


def jsonl(bodies: list[dict[str, Any]]) -> bytes:
    rows = [{"custom_id": f"r{n}", "method": "POST", "url": URL, "body": body} for n, body in enumerate(bodies)]
    return "\n".join(json.dumps(row) for row in rows).encode()


async def create(client: AsyncGroq, data: bytes) -> Any:
    sent = await client.files.create(file=("requests.jsonl", data), purpose="batch")
    return await client.batches.create(completion_window="24h", endpoint=URL, input_file_id=sent.id)


async def finished(client: AsyncGroq, batch: Any) -> Any:
    async with asyncio.timeout(5):
        while batch.status in ("validating", "in_progress", "finalizing", "cancelling"):
            await asyncio.sleep(0.005)
            batch = await client.batches.retrieve(batch.id)
    return batch


async def rows(client: AsyncGroq, file_id: str) -> list[Any]:
    content = await client.files.content(file_id)
    return [json.loads(line) for line in (await content.read()).splitlines()]


def test_round_trip_separates_answers_from_errors(sdk: Sdk) -> None:
    bodies = [request({"a": f"Shirt {n}"}) for n in range(120)]
    bodies[7]["model"] = "nobody/knows"

    async def run() -> None:
        async with sdk() as client:
            batch = await create(client, jsonl(bodies))
            assert batch.status == "validating"
            batch = await finished(client, batch)
            assert batch.status == "completed"
            assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (
                120,
                119,
                1,
            )
            output = await rows(client, batch.output_file_id)
            assert {row["custom_id"] for row in output} == {f"r{n}" for n in range(120)} - {"r7"}
            reply = output[0]["response"]["body"]["choices"][0]["message"]["content"]
            assert output[0]["response"]["status_code"] == 200 and json.loads(reply).keys() == {"a"}
            [error] = await rows(client, batch.error_file_id)
            assert error["custom_id"] == "r7" and error["response"]["body"]["error"]["code"] == "model_not_found"
            assert (await client.batches.list()).data[0].id == batch.id
            assert (await client.files.delete(batch.output_file_id)).deleted
            with pytest.raises(groq.NotFoundError):
                await client.files.info(batch.output_file_id)

    asyncio.run(run())


def test_batches_leave_the_synchronous_limits_alone(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"plan": {"*": {"rpm": 1}}})

    async def run() -> None:
        async with sdk() as client:
            batch = await finished(client, await create(client, jsonl([request({"a": "Black"})] * 5)))
            assert batch.request_counts.completed == 5
            await client.chat.completions.create(**request({"a": "Black"}))

    asyncio.run(run())


def test_cancelling_keeps_what_is_done(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"batch_time_scale": 0.3})

    async def run() -> None:
        async with sdk() as client:
            batch = await create(client, jsonl([request({"a": f"Shirt {n}"}) for n in range(5000)]))
            async with asyncio.timeout(5):
                while not batch.request_counts.completed:
                    await asyncio.sleep(0.005)
                    batch = await client.batches.retrieve(batch.id)
            assert (await client.batches.cancel(batch.id)).status == "cancelling"
            batch = await finished(client, batch)
            assert batch.status == "cancelled" and batch.request_counts.completed < 5000
            assert len(await rows(client, batch.output_file_id)) == batch.request_counts.completed

    asyncio.run(run())


def test_expired_batch_hands_back_what_it_finished(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"batch_expires_after": 3})

    async def run() -> None:
        async with sdk() as client:
            batch = await finished(client, await create(client, jsonl([request({"a": "Black"})] * 5)))
            assert batch.status == "expired"
            assert len(await rows(client, batch.output_file_id)) == 3
            assert {row["error"]["code"] for row in await rows(client, batch.error_file_id)} == {"batch_expired"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no requests"),
        (b"{broken", "not valid JSON"),
        (jsonl([request({"a": "Black"})]) + b"\n" + jsonl([request({"a": "Blue"})]), "more than once"),
        (json.dumps({"custom_id": "x", "method": "POST", "url": "/openai" + URL, "body": {}}).encode(), "`url`"),
    ],
)
def test_wrong_file_fails_validation_in_words(sdk: Sdk, data: bytes, words: str) -> None:
    async def run() -> None:
        async with sdk() as client:
            batch = await finished(client, await create(client, data))
            assert batch.status == "failed" and words in batch.errors.data[0].message

    asyncio.run(run())


def test_missing_file_and_wrong_window_are_refused(sdk: Sdk) -> None:
    async def run() -> None:
        async with sdk() as client:
            with pytest.raises(groq.NotFoundError):
                await client.batches.create(completion_window="24h", endpoint=URL, input_file_id="file_no")
            sent = await client.files.create(file=("r.jsonl", b"{}"), purpose="batch")
            with pytest.raises(groq.BadRequestError, match="completion_window"):
                await client.batches.create(
                    completion_window="1h",
                    endpoint=URL,
                    input_file_id=sent.id,
                )

    asyncio.run(run())
