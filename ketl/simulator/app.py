"""The server's ordinary routes as a Starlette application: models, health, control, and a plain way to chat."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ketl.errors import SettingsError
from ketl.simulator import refusals
from ketl.simulator.batches import BatchDesk
from ketl.simulator.completions import Chat, Exchange, Header
from ketl.simulator.config import as_json, changed

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Json(Response):
    """A JSON answer."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Write the body."""
        return orjson.dumps(content)


def refused(refusal: refusals.Refusal) -> Json:
    """Return a refusal as an HTTP answer."""
    return Json({"error": refusal.error}, status_code=refusal.status)


class Application:
    """The ASGI application over one `Chat` and one `BatchDesk`."""

    def __init__(self, chat: Chat, desk: BatchDesk) -> None:
        self._chat = chat
        self._routes = Starlette(
            routes=[
                Route("/healthz", self._health),
                Route("/v1/models", self._models),
                Route("/v1/models/{ident:path}", self._model),
                *desk.routes(),
                Route("/_sim/stats", self._stats),
                Route("/_sim/config", self._config, methods=["GET", "POST"]),
                Route("/_sim/reset", self._reset, methods=["POST"]),
            ],
            exception_handlers={404: _unknown_url, 405: _unknown_url},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; `/openai/v1` and `/v1` are the same place."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith("/openai/v1/"):
            path = path.removeprefix("/openai")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        if path == "/v1/chat/completions" and scope["method"] == "POST":
            await self._complete(scope, receive, send)
        elif path.startswith("/_sim/") and not _is_near(scope):
            await Json({"error": {"message": "Only this machine may steer the simulator."}}, 403)(scope, receive, send)
        elif path.startswith("/v1/") and not self._chat.key_is_good(_authorization(scope)):
            await refused(refusals.invalid_key())(scope, receive, send)
        else:
            await self._routes(scope, receive, send)

    async def _complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a chat completion that came by a connection which the lean protocol had handed over."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        exchange = self._chat.begin(body, authorization=_authorization(scope))
        if exchange.mishap == "hang":
            await receive()
            self._chat.finish(exchange, delivered=False)
            return
        if exchange.delay_s > 0:
            await asyncio.sleep(exchange.delay_s)
        await _send(exchange, self._chat.finish(exchange), send)

    async def _health(self, request: Request) -> Json:
        return Json({"status": "ok"})

    async def _models(self, request: Request) -> Json:
        return Json({"object": "list", "data": self._chat.models()})

    async def _model(self, request: Request) -> Json:
        ident = request.path_params["ident"]
        row = next((row for row in self._chat.models() if row["id"] == ident), None)
        return Json(row) if row else refused(refusals.unknown_model(ident))

    async def _stats(self, request: Request) -> Json:
        return Json(self._chat.stats.as_json(with_seen=request.query_params.get("seen") != "0"))

    async def _config(self, request: Request) -> Json:
        if request.method == "POST":
            try:
                values = orjson.loads(await request.body())
                if not isinstance(values, dict):
                    raise SettingsError("Send one JSON object of simulator settings.")
                self._chat.configure(changed(self._chat.config, values))
            except (ValueError, SettingsError) as error:
                message = str(error) if isinstance(error, SettingsError) else "The settings are not valid JSON."
                return Json({"error": {"message": message}}, status_code=400)
        return Json(as_json(self._chat.config))

    async def _reset(self, request: Request) -> Json:
        self._chat.reset()
        return Json({"status": "ok"})


async def _send(exchange: Exchange, headers: list[Header], send: Send) -> None:
    payload = exchange.payload
    if exchange.mishap == "cut_body":
        payload = payload[: len(payload) * 2 // 3]
    length = (b"content-length", b"%d" % len(payload))
    await send({"type": "http.response.start", "status": exchange.status, "headers": [*headers, length]})
    if exchange.mishap == "reset":
        await send({"type": "http.response.body", "body": payload[: len(payload) // 2], "more_body": True})
        # Returning with the body incomplete makes uvicorn close the connection.
        return
    await send({"type": "http.response.body", "body": payload})


async def _unknown_url(request: Request, error: Exception) -> Json:
    return refused(refusals.unknown_url(request.method, request.url.path))


def _authorization(scope: Scope) -> str:
    headers: list[Header] = scope["headers"]
    return next((value.decode("latin-1") for name, value in headers if name == b"authorization"), "")


def _is_near(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
