"""A server on a raw socket that answers completions in as many broken ways as it has names for."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from ketl.provider.models import MODELS


def http(body: bytes = b"", status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """Return an answer; `length` in place of the body's true one."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def said(content: object, **changes: Any) -> bytes:
    """Return a well-formed completion with this content."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return http(json.dumps({"id": "x", "choices": [choice], "usage": usage, **changes}).encode(), "200 OK", JSON)


def limited(message: str, *headers: str) -> bytes:
    """Return a refusal for a limit."""
    return http(json.dumps({"error": {"message": message}}).encode(), "429 Too Many Requests", JSON, *headers)


JSON = "Content-Type: application/json"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
PACKED = "Content-Encoding: gzip"
LIMIT = "Rate limit reached for model `m` on tokens per minute (TPM): Limit {}, Used {}, Requested {}. {}"
ENDLESS = b"10000\r\n" + b" " * 65_536 + b"\r\n"

# Bytes are written and the connection is closed; of an iterable, one piece after another for as long as it is read.
KINDS: dict[str, bytes | Iterable[bytes]] = {
    "HTML": http(b"<!doctype html><h1>Welcome</h1>", "200 OK", "Content-Type: text/html"),
    "no content type": http(b"hello"),
    "another content type": http(b"\x89PNG\r\n", "200 OK", "Content-Type: image/png"),
    "invalid UTF-8": http(b'{"choices": [{"message": {"content": "\xff\xfe"}}]}', "200 OK", JSON),
    "cut off in the body": said("{}")[:-20],
    "length too large": http(b'{"choices": []}', "200 OK", JSON, length=99_999),
    "length too small": http(b'{"choices": []}', "200 OK", JSON, length=4),
    "negative length": http(b"{}", "200 OK", JSON, length=-5),
    "redirect to itself": http(b"", "302 Found", "Location: /openai/v1/chat/completions"),
    "redirect elsewhere": http(b"", "307 Temporary Redirect", "Location: http://192.0.2.1/"),
    "early hints without end": [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 3_000,
    "flood of headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(50_000)) + b"\r\n{}",
    "header without colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n{}",
    "huge header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2_000_000 + b"\r\n\r\n{}",
    "HTTP/0.9": b"hello there",
    "no answer": b"",
    "empty body": http(b"", "200 OK", JSON),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "gzip bomb": http(gzip.compress(b" " * 60_000_000), "200 OK", JSON, PACKED),
    "gzip bomb as an error": http(gzip.compress(b" " * 60_000_000), "400 Bad Request", JSON, PACKED),
    "no gzip at all": http(b'{"choices": []}', "200 OK", JSON, PACKED),
    "half a gzip": http(gzip.compress(b"{}" * 99)[:30], "200 OK", JSON, PACKED),
    "unknown packing": http(b"{}", "200 OK", JSON, "Content-Encoding: br"),
    "chunks without end": [CHUNKED, *[ENDLESS] * 4_000],
    "bad chunk size": CHUNKED + b"zz\r\n{}\r\n",
    "enormous chunk size": CHUNKED + b"f" * 40 + b"\r\n{}\r\n",
    "keys of another request": said('{"other": "Chaqueta"}'),
    "lone surrogate": said('{"\\ud800": "\\udfff"}'),
    "control characters": said('{"a": "\\u0000\\u001b[31m"}'),
    "nested brackets": said("[" * 200_000),
    "nested objects": said('{"a":' * 100_000),
    "escaped quotes without end": said('{"a": "' + '\\"' * 100_000),
    "megabytes of words": said('{"a": "' + "palabra " * 1_000_000),
    "NaN usage": http(b'{"choices": [{"message": {"content": "{}"}}], "usage": NaN}', "200 OK", JSON),
    "infinite usage": http(
        b'{"choices": [{"message": {"content": "{}"}}], "usage": {"prompt_tokens": 1e308, "completion_tokens": 1e400}}',
        "200 OK",
        JSON,
    ),
    "negative usage": said("{}", usage={"prompt_tokens": -9, "completion_tokens": -1e9, "total_time": -4}),
    "usage in words": said("{}", usage={"prompt_tokens": "many", "completion_tokens": [], "total_time": "soon"}),
    "null choices": http(b'{"choices": null}', "200 OK", JSON),
    "choices of another shape": http(b'{"choices": {"0": "a"}}', "200 OK", JSON),
    "content of another shape": said({"a": "Rojo"}),
    "an array": http(b"[1, 2]", "200 OK", JSON),
    "duplicated keys": http(b'{"choices": [], "choices": [{"message": {"content": "{}"}}]}', "200 OK", JSON),
    "200 with an error": http(b'{"error": {"message": "overloaded", "code": 7}}', "200 OK", JSON),
    "error of another shape": http(b'{"error": ["a", {"b": 1}]}', "400 Bad Request", JSON),
    "503 for ever": http(b"busy", "503 Service Unavailable", "Retry-After: 0"),
    "status 999": http(b"{}", "999 Odd", JSON),
    "429 without words": limited("slow down"),
    "429 for 31 years": limited("slow down", "Retry-After: 1000000000"),
    "429 with an infinite wait": limited("slow down", "Retry-After: inf"),
    "429 with a negative wait": limited("slow down", "Retry-After: -5"),
    "429 with a date": limited("slow down", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
    "429 with no date": limited("slow down", "Retry-After: 99:99:99 never"),
    "429 with a word": limited("slow down", "Retry-After: soon"),
    "429 with an endless limit": limited(LIMIT.format("9" * 400, "1", "1", "Please try again in 0s.")),
    "429 with an endless wait": limited(LIMIT.format(6000, 1, 1, f"Please try again in {'9' * 400}s.")),
    "429 with a limit of nothing": limited(LIMIT.format(0, 0, 0, "Please try again in NaN.")),
}


@asynccontextmanager
async def broken_server(kind: str | bytes | Iterable[bytes], *, models: bytes | None = None) -> AsyncIterator[str]:
    """Serve a true list of models, or these bytes for it, and this kind of completion or these pieces of one.

    Yields the address.
    """
    rows = [{"id": name, "active": True} for name in MODELS]
    listed = http(json.dumps({"data": rows}).encode(), "200 OK", JSON) if models is None else models
    answer = KINDS[kind] if isinstance(kind, str) else kind

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            sized = head.partition("content-length:")[2].split("\r\n")[0]
            await reader.readexactly(int(sized or 0))
            pieces = [listed] if head.startswith("get") else [answer] if isinstance(answer, bytes) else answer
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
