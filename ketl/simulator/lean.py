"""Serves chat completions without a framework; every other request goes on to uvicorn on the same connection.

A benchmark of the client is only worth something when the server is not the bottleneck. This protocol reads
the plain requests that the SDK sends (a POST with a content length), answers them from timers instead of
tasks, and hands the connection over for good at the first request of any other kind.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from typing import Any, Protocol, cast

import orjson

from ketl.simulator.completions import Chat, Exchange, Header
from ketl.simulator.refusals import invalid_key

_CHAT_LINES = (b"POST /openai/v1/chat/completions HTTP/1.1", b"POST /v1/chat/completions HTTP/1.1")
_MODELS_LINES = (b"GET /openai/v1/models HTTP/1.1", b"GET /v1/models HTTP/1.1")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?=\r\n|\Z)", re.IGNORECASE)
_AUTHORIZATION = re.compile(rb"\r\nauthorization:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
# What this protocol does not speak: the connection goes to uvicorn.
_UNUSUAL = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade)[ \t]*:", re.IGNORECASE)
_MOST_HEAD_BYTES = 64 * 1024
_MOST_BODY_BYTES = 16 * 1024 * 1024
_READ_AHEAD_BYTES = 256 * 1024
_RESET_AFTER_S = 0.005
_REASONS = {
    200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found", 413: b"Content Too Large",
    429: b"Too Many Requests", 498: b"Capacity Exceeded", 500: b"Internal Server Error", 503: b"Service Unavailable",
}  # fmt: skip


class Handover(Protocol):
    """Makes the protocol that takes a connection over."""

    def __call__(self) -> asyncio.Protocol:
        """Return a fresh protocol for one connection."""


class LeanProtocol(asyncio.Protocol):
    """One connection. `connections` is the set in which the server keeps its open ones."""

    def __init__(self, chat: Chat, connections: set[Any], handover: Handover) -> None:
        self._chat = chat
        self._connections = connections
        self._handover = handover
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._pending: Exchange | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._close_after = False
        self._closed = False
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Finish a hung request; one that waits for its time is finished, and billed, when that comes."""
        self._closed = True
        self._connections.discard(self)
        if self._pending is not None and self._timer is None:
            self._chat.finish(self._pending, delivered=False)
            self._pending = None

    def shutdown(self) -> None:
        """Close for the server, which stops."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        self._buffer += data
        if self._pending is None:
            self._advance()
        elif len(self._buffer) > _READ_AHEAD_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _advance(self) -> None:
        """Answer what is complete in the buffer, one request at a time."""
        buffer = self._buffer
        while buffer and self._pending is None and not self._closed:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(buffer) > _MOST_HEAD_BYTES:
                    self._hand_over()
                return
            head = bytes(buffer[:end])
            line = head[: head.find(b"\r\n")]
            if line in _CHAT_LINES:
                length = _LENGTH.search(head)
                if length is None or _UNUSUAL.search(head) or int(length[1]) > _MOST_BODY_BYTES:
                    self._hand_over()
                    return
                body_end = end + 4 + int(length[1])
                if len(buffer) < body_end:
                    return
                body = buffer[end + 4 : body_end]
                del buffer[:body_end]
                self._close_after = _CLOSE.search(head) is not None
                self._begin(body, _authorization(head))
            elif line in _MODELS_LINES and not _LENGTH.search(head) and not _UNUSUAL.search(head):
                del buffer[: end + 4]
                self._close_after = _CLOSE.search(head) is not None
                status, payload = models_answer(self._chat, _authorization(head))
                self._write(status, [(b"content-type", b"application/json")], payload)
            else:
                self._hand_over()
                return

    def _begin(self, body: bytearray, authorization: str) -> None:
        exchange = self._pending = self._chat.begin(body, authorization=authorization)
        if exchange.mishap == "hang":
            return
        if exchange.delay_s > 0:
            self._timer = self._loop.call_later(exchange.delay_s, self._deliver, exchange)
        else:
            self._deliver(exchange)

    def _deliver(self, exchange: Exchange) -> None:
        waited = self._timer is not None
        self._timer = None
        self._pending = None
        headers = self._chat.finish(exchange, delivered=not self._closed)
        if self._closed:
            return
        payload = exchange.payload
        if exchange.mishap == "reset":
            self._transport.write(_head(exchange.status, headers, len(payload)) + payload[: len(payload) // 2])
            self._loop.call_later(_RESET_AFTER_S, self._reset)
            return
        if exchange.mishap == "cut_body":
            payload = payload[: len(payload) * 2 // 3]
        self._write(exchange.status, headers, payload)
        if self._paused and not self._closed:
            self._paused = False
            self._transport.resume_reading()
        if waited:
            self._advance()

    def _write(self, status: int, headers: list[Header], payload: bytes) -> None:
        self._transport.write(_head(status, headers, len(payload)) + payload)
        if self._close_after:
            self._transport.close()
            self._closed = True

    def _reset(self) -> None:
        """Drop the connection so that the client sees a reset, not an orderly end."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self._closed:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _hand_over(self) -> None:
        """Give the connection and all bytes not yet answered to uvicorn's protocol."""
        self._connections.discard(self)
        heir = self._handover()
        self._transport.set_protocol(heir)
        heir.connection_made(self._transport)
        heir.data_received(bytes(self._buffer))
        self._buffer.clear()


def models_answer(chat: Chat, authorization: str) -> tuple[int, bytes]:
    """Return status and body of `GET /models`."""
    if not chat.key_is_good(authorization):
        return 401, orjson.dumps({"error": invalid_key().error})
    return 200, orjson.dumps({"object": "list", "data": chat.models()})


def _authorization(head: bytes) -> str:
    found = _AUTHORIZATION.search(head)
    return found[1].decode("latin-1") if found else ""


def _head(status: int, headers: list[Header], length: int) -> bytes:
    lines = [b"HTTP/1.1 %d %s" % (status, _REASONS.get(status, b"Error"))]
    lines += [name + b": " + value for name, value in headers]
    lines.append(b"content-length: %d\r\n\r\n" % length)
    return b"\r\n".join(lines)
