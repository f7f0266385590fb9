"""The official SDK, unchanged, against the server over real sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import groq
import pytest
from groq import AsyncGroq

from ketl.errors import SettingsError
from ketl.simulator import RunningSimulator
from tests.simulator.wire import WESTERN, request

Sdk = Callable[[], AbstractAsyncContextManager[AsyncGroq]]


def ask(sdk: Sdk, *bodies: dict[str, Any], timeout: float = 5.0) -> list[Any]:
    """Send bodies at the same time; an error stands in the place of its answer."""

    async def run() -> list[Any]:
        async with sdk() as client:
            create = client.with_options(timeout=timeout).chat.completions.create
            return await asyncio.gather(*(create(**body) for body in bodies), return_exceptions=True)

    return asyncio.run(run())


def raw(
    simulator: RunningSimulator, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=5)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    value = json.loads(answer.read())
    connection.close()
    return answer.status, value


def test_answers_are_typed_as_the_provider_s(sdk: Sdk) -> None:
    [answer] = ask(sdk, request({"a": 'Trail shorts 12"'}, tag="ru"))
    assert json.loads(answer.choices[0].message.content)["a"].endswith('12" ·демо·')
    assert answer.usage.prompt_tokens > 0 and answer.usage.queue_time == 0
    assert answer.x_groq.id.startswith("req_")


def test_models_are_listed_with_limits_and_prices(sdk: Sdk) -> None:
    async def run() -> Any:
        async with sdk() as client:
            return await client.models.list(), await client.models.retrieve("openai/gpt-oss-20b")

    listed, one = asyncio.run(run())
    rows = {row.id: row for row in listed.data}
    assert {WESTERN, "qwen-2.5-32b", "mistral-saba-24b", "openai/gpt-oss-120b", "qwen/qwen3.8-27b"} <= rows.keys()
    assert rows[WESTERN].active and rows[WESTERN].context_window == 131_072
    assert one.pricing["prompt"] == "0.000000075"


def test_limit_headers_are_on_answers_and_refusals(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"plan": {"*": {"rpm": 1, "rpd": 1000, "tpm": 8000}}})

    async def run() -> tuple[Any, groq.RateLimitError]:
        async with sdk() as client:
            good = await client.chat.completions.with_raw_response.create(**request({"a": "Black"}))
            with pytest.raises(groq.RateLimitError) as refused:
                await client.chat.completions.create(**request({"a": "Black"}))
            return good, refused.value

    good, refused = asyncio.run(run())
    assert good.headers["x-ratelimit-limit-requests"] == "1000"
    assert good.headers["x-ratelimit-remaining-requests"] == "999"
    assert good.headers["x-ratelimit-reset-requests"].startswith("1m26.")
    assert good.headers["x-ratelimit-limit-tokens"] == "8000"
    assert "retry-after" not in good.headers
    assert 55 <= int(refused.response.headers["retry-after"]) <= 60
    assert refused.response.headers["x-ratelimit-limit-tokens"] == "8000"
    assert refused.body["error"]["code"] == "rate_limit_exceeded" and "(RPM)" in refused.body["error"]["message"]


def test_each_refusal_is_the_sdk_s_own_error(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"plan": "free", "script": [{"fault": kind} for kind in ("500", "503", "498")]})
    first = [ask(sdk, request({"a": "Black"}))[0] for _ in range(3)]
    assert [type(e) for e in first] == [groq.InternalServerError, groq.InternalServerError, groq.APIStatusError]
    assert [e.status_code for e in first] == [500, 503, 498]
    large, gone, unknown = ask(
        sdk,
        request({"a": "Black"}, max_completion_tokens=9000),
        request({"a": "Black"}, model="qwen/qwen3-32b"),
        request({"a": "Black"}, model="nobody/knows"),
    )
    assert large.status_code == 413 and "Request too large" in large.message
    assert isinstance(gone, groq.BadRequestError) and gone.body["error"]["code"] == "model_decommissioned"
    assert isinstance(unknown, groq.NotFoundError) and unknown.body["error"]["code"] == "model_not_found"


def test_key_is_checked_when_keys_are_required(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"keys": ["gsk_other"]})
    [refused] = ask(sdk, request({"a": "Black"}))
    assert isinstance(refused, groq.AuthenticationError)
    assert raw(simulator, "GET", "/openai/v1/models")[0] == 401
    assert raw(simulator, "GET", "/openai/v1/batches")[0] == 401
    assert raw(simulator, "GET", "/v1/models", Authorization="Bearer gsk_other")[0] == 200


def test_faults_of_the_wire_reach_the_client(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"script": ["reset"]})
    [broken] = ask(sdk, request({"a": "Black"}))
    assert isinstance(broken, groq.APIConnectionError)
    simulator.configure({"script": ["hang"]})
    [hung] = ask(sdk, request({"a": "Black"}), timeout=0.2)
    assert isinstance(hung, groq.APITimeoutError)
    simulator.configure({"script": ["cut_body"]})
    [cut] = ask(sdk, request({"a": "Black"}))
    assert isinstance(cut, json.JSONDecodeError)
    simulator.configure({"script": ["empty"]})
    [empty] = ask(sdk, request({"a": "Black"}))
    assert empty.choices[0].message.content == ""
    stats = simulator.stats()
    assert stats["faults"] == {"reset": 1, "hang": 1, "cut_body": 1, "empty": 1}
    assert stats["in_flight"] == 0


def test_parallel_and_sequential_answers_are_equal(sdk: Sdk) -> None:
    bodies = [request({"a": f"Shirt {n}"}, tag=tag) for n in range(5) for tag in ("es", "ja", "ar")]

    def texts(answers: list[Any]) -> list[str]:
        return [answer.choices[0].message.content for answer in answers]

    assert texts(ask(sdk, *bodies)) == [texts(ask(sdk, body))[0] for body in bodies]


def test_sequential_calls_are_never_two_at_once_and_times_agree(simulator: RunningSimulator, sdk: Sdk) -> None:
    simulator.configure({"latency_s": [0.03, 0.05], "time_scale": 1})

    async def run() -> float:
        async with sdk() as client:
            await client.chat.completions.create(**request({"a": "warm up"}))
            simulator.reset()
            started_s = time.perf_counter()
            for n in range(8):
                await client.chat.completions.create(**request({"a": f"Shirt {n}"}))
            return time.perf_counter() - started_s

    seconds = asyncio.run(run())
    stats = simulator.stats()
    assert stats["max_in_flight"] == 1
    assert seconds > 0.9 * stats["models"][WESTERN]["busy_s"] > 0.2


def test_both_path_prefixes_and_unusual_requests_are_served(simulator: RunningSimulator) -> None:
    body = json.dumps(request({"a": "Black"})).encode()
    for path in ("/openai/v1/chat/completions", "/v1/chat/completions"):
        assert raw(simulator, "POST", path, body)[0] == 200
    # Without a content length the lean protocol hands the connection over.
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=5)
    pieces, chunked = iter([body[:50], body[50:]]), {"Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/chat/completions", pieces, chunked, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["object"] == "chat.completion"
    connection.request("GET", "/v1/models")
    assert json.loads(connection.getresponse().read())["object"] == "list"
    connection.close()
    status, value = raw(simulator, "GET", "/v1/nothing")
    assert status == 404 and value["error"]["code"] == "unknown_url"


def test_pipelined_requests_in_small_pieces_are_all_answered(simulator: RunningSimulator) -> None:
    simulator.configure({"latency_s": [0.01, 0.01], "time_scale": 1})
    body = json.dumps(request({"a": "Black"})).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(body)
    whole = (head + b"\r\n" + body) * 2 + head + b"connection: close\r\n\r\n" + body
    received = b""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as sock:
        for start in range(0, len(whole), 97):
            sock.sendall(whole[start : start + 97])
        while piece := sock.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_wrong_setting_is_refused_in_words_and_changes_nothing(simulator: RunningSimulator) -> None:
    with pytest.raises(SettingsError, match="Did you mean faults"):
        simulator.configure({"fautls": {}})
    with pytest.raises(SettingsError, match="Did you mean reset"):
        simulator.configure({"seed": 99, "faults": {"rest": 0.1}})
    assert simulator.configure({})["seed"] == 7
