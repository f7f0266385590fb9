"""A provider that is one function from a request to the bytes of its answer, on a socket of this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ketl.errors import RunError
from ketl.provider.groq import GroqClient
from ketl.provider.protocol import Call, Reply

T = TypeVar("T")
KEY = "gsk_0123456789abcdefghijABCDEFGHIJ"
ORGANIZATION = "org_01hxyz0123456789abcdefghij"
CALL = Call(
    model="openai/gpt-oss-120b",
    system="Translate.",
    user='{"target_tag": "ja", "segments": {"a": "Trail Sock 12\\""}}',
    max_completion_tokens=9_000,
    extra={"temperature": 0.2, "reasoning_effort": "low"},
)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """One answer to send: a body as JSON or bytes; `sent` of its bytes before the connection breaks, None: all."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None

    def raw(self) -> bytes:
        """Return head and whole body."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Status\r\n{head}\r\n".encode() + body


def completion(content: object = "{}", **changes: Any) -> dict[str, Any]:
    """Return a good body with this content."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": CALL.model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 34, "total_tokens": 154},
        **changes,
    }


def talk(
    answer: Callable[[Asked], Answer] | Answer,
    act: Callable[[GroqClient], Awaitable[T]],
    *,
    path: str = "",
) -> tuple[T, list[Asked]]:
    """Serve `answer`, let `act` use a client of it, and return its result and what arrived."""
    arrived: list[Asked] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                method, target, _ = lines[0].split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                asked = Asked(method, target, headers, json.loads(body) if body else None)
                arrived.append(asked)
                made = answer(asked) if callable(answer) else answer
                writer.write(made.raw()[: made.sent])
                await writer.drain()
                if made.sent is not None:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def go() -> T:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = GroqClient(KEY, f"http://127.0.0.1:{port}{path}")
        try:
            return await act(client)
        finally:
            await client.close()
            server.close()
            await server.wait_closed()

    return asyncio.run(go()), arrived


def complete(answer: Callable[[Asked], Answer] | Answer) -> Reply | RunError:
    """Return the reply to one call, or the error in its place."""

    async def act(client: GroqClient) -> Reply | RunError:
        try:
            return await client.complete(CALL)
        except RunError as error:
            return error

    return talk(answer, act)[0]


def refusal(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    """Return an error answer as the provider writes them."""
    error = {"message": message, "type": "invalid_request_error", **({"code": code} if code else {})}
    return Answer(status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()})
