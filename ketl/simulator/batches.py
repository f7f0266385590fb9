"""The files and batches of the provider's API: JSONL in, the same answers out, later and in their own time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ketl.simulator import refusals
from ketl.simulator.completions import Chat

# The provider's own ceilings, and what this process is willing to hold.
MOST_LINES = 50_000
MOST_FILE_BYTES = 200 * 1024 * 1024
MOST_HELD_BYTES = 512 * 1024 * 1024

_MOST_BATCHES = 1_000
_LINES_A_STEP = 50
_STEP_S = 0.05
_VALIDATING_S = 0.2
_FINALIZING_S = 0.1

Status = Literal["validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"]
_DAY_S = 86_400
_WINDOWS = ("24h", *(f"{days}d" for days in range(1, 8)))


@dataclass(slots=True)
class StoredFile:
    """One uploaded or written file."""

    id: str
    name: str
    purpose: str
    data: bytes
    created_at: int = field(default_factory=lambda: int(time.time()))

    def as_json(self) -> dict[str, Any]:
        """Return what `GET /files/{id}` answers."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.data),
            "created_at": self.created_at,
            "filename": self.name,
            "purpose": self.purpose,
        }


@dataclass(slots=True)
class Batch:
    """One batch; times are seconds since 1970, `None` until they come."""

    id: str
    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None
    status: Status = "validating"
    created_at: int = field(default_factory=lambda: int(time.time()))
    stamps: dict[str, int] = field(default_factory=dict)
    total: int = 0
    completed: int = 0
    failed: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)

    def enter(self, status: Status) -> None:
        """Go on to a status and note when."""
        self.status = status
        self.stamps[f"{status}_at"] = int(time.time())

    def as_json(self) -> dict[str, Any]:
        """Return what `GET /batches/{id}` answers."""
        names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        days = 1 if self.completion_window == "24h" else int(self.completion_window[:-1])
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.created_at + days * _DAY_S,
            **{f"{name}_at": self.stamps.get(f"{name}_at") for name in names},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata,
        }


class BatchDesk:
    """Keeps files and works batches off, each in a task of the server's loop."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._files: OrderedDict[str, StoredFile] = OrderedDict()
        self._batches: OrderedDict[str, Batch] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held_bytes = 0
        self._number = 0

    def routes(self) -> list[Route]:
        """Return the routes below `/v1`."""
        return [
            Route("/v1/files", self._upload, methods=["POST"]),
            Route("/v1/files", self._list_files),
            Route("/v1/files/{ident}", self._file, methods=["GET", "DELETE"]),
            Route("/v1/files/{ident}/content", self._content),
            Route("/v1/batches", self._create, methods=["POST"]),
            Route("/v1/batches", self._list_batches),
            Route("/v1/batches/{ident}", self._batch),
            Route("/v1/batches/{ident}/cancel", self._cancel, methods=["POST"]),
        ]

    async def _upload(self, request: Request) -> Response:
        async with request.form(max_files=1, max_fields=8) as form:
            sent, purpose = form.get("file"), form.get("purpose")
            if not isinstance(sent, UploadFile) or purpose != "batch":
                return _refused(refusals.invalid("Send a multipart form with a `file` and the `purpose` batch."))
            if sent.size is not None and sent.size > MOST_FILE_BYTES:
                return _refused(refusals.invalid("The file is larger than 200 MB. Cut it into several files."))
            data = await sent.read()
            name = sent.filename or "batch.jsonl"
        return _json(self._store(name, "batch", data).as_json())

    async def _list_files(self, request: Request) -> Response:
        return _json({"object": "list", "data": [stored.as_json() for stored in self._files.values()]})

    async def _file(self, request: Request) -> Response:
        stored = self._files.get(request.path_params["ident"])
        if stored is None:
            return _missing(request, "File")
        if request.method == "DELETE":
            del self._files[stored.id]
            self._held_bytes -= len(stored.data)
            return _json({"id": stored.id, "object": "file", "deleted": True})
        return _json(stored.as_json())

    async def _content(self, request: Request) -> Response:
        stored = self._files.get(request.path_params["ident"])
        if stored is None:
            return _missing(request, "File")
        return Response(stored.data, media_type="application/octet-stream")

    async def _create(self, request: Request) -> Response:
        try:
            body = orjson.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return _refused(refusals.invalid("The request body must be a JSON object."))
        stored = self._files.get(str(body.get("input_file_id")))
        if stored is None:
            return _refused(refusals.not_found("File", str(body.get("input_file_id"))))
        if body.get("endpoint") != "/v1/chat/completions":
            return _refused(refusals.invalid("`endpoint` must be /v1/chat/completions", param="endpoint"))
        if body.get("completion_window") not in _WINDOWS:
            return _refused(refusals.invalid("`completion_window` must be 24h to 7d", param="completion_window"))
        metadata = body.get("metadata")
        batch = Batch(
            self._new_id("batch"),
            stored.id,
            body["endpoint"],
            body["completion_window"],
            metadata if isinstance(metadata, dict) else None,
        )
        self._batches[batch.id] = batch
        if len(self._batches) > _MOST_BATCHES:
            self._batches.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._work(batch, stored.data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _json(batch.as_json())

    async def _list_batches(self, request: Request) -> Response:
        wanted = request.query_params.getlist("id")[:200]
        newest_first = list(reversed(self._batches.values()))
        rows = [batch.as_json() for batch in newest_first if not wanted or batch.id in wanted]
        return _json({"object": "list", "data": rows, "paging": {}})

    async def _batch(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["ident"])
        return _json(batch.as_json()) if batch else _missing(request, "Batch")

    async def _cancel(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["ident"])
        if batch is None:
            return _missing(request, "Batch")
        if batch.status in ("validating", "in_progress"):
            batch.enter("cancelling")
        return _json(batch.as_json())

    async def _work(self, batch: Batch, data: bytes) -> None:
        """Take one batch from validation to its end, a step of lines at a time so that others are served."""
        scale = self._chat.config.batch_time_scale
        await asyncio.sleep(_VALIDATING_S * scale)
        lines = [line for line in data.splitlines() if line.strip()]
        batch.errors = _validate(lines)
        if batch.errors:
            batch.enter("failed")
            return
        batch.total = len(lines)
        if batch.status == "validating":
            batch.enter("in_progress")
        expires_after = self._chat.config.batch_expires_after
        output: list[bytes] = []
        errors: list[bytes] = []
        for position in range(0, len(lines), _LINES_A_STEP):
            if batch.status == "cancelling":
                break
            for number in range(position, min(position + _LINES_A_STEP, len(lines))):
                line = orjson.loads(lines[number])
                if expires_after is not None and number >= expires_after:
                    expired = {
                        "code": "batch_expired",
                        "message": "This request could not be executed before the batch expired.",
                    }
                    errors.append(_result(line["custom_id"], batch.id, number, None, expired))
                    continue
                good, row = self._answer(line, batch.id, number)
                (output if good else errors).append(row)
                batch.completed += good
                batch.failed += not good
            await asyncio.sleep(_STEP_S * scale)
        cancelled = batch.status == "cancelling"
        if not cancelled:
            batch.enter("finalizing")
        await asyncio.sleep(_FINALIZING_S * scale)
        if output:
            batch.output_file_id = self._store(f"{batch.id}_output.jsonl", "batch_output", b"\n".join(output)).id
        if errors:
            batch.error_file_id = self._store(f"{batch.id}_errors.jsonl", "batch_output", b"\n".join(errors)).id
        expired_some = expires_after is not None and batch.total > expires_after
        batch.enter("cancelled" if cancelled else "expired" if expired_some else "completed")

    def _answer(self, line: dict[str, Any], batch_id: str, number: int) -> tuple[bool, bytes]:
        """Answer one line; returns whether it succeeded, and its row of the output or error file."""
        keys = self._chat.config.keys
        exchange = self._chat.begin(orjson.dumps(line["body"]), authorization=keys[0] if keys else "", batch=True)
        self._chat.finish(exchange)
        response = {
            "status_code": exchange.status,
            "request_id": f"req_{exchange.ident:026d}",
            "body": orjson.Fragment(exchange.payload),
        }
        return exchange.status == 200, _result(line["custom_id"], batch_id, number, response, None)

    def _store(self, name: str, purpose: str, data: bytes) -> StoredFile:
        """Keep a file; the oldest ones go when the whole is more than this process is willing to hold."""
        stored = StoredFile(self._new_id("file"), name, purpose, data)
        self._files[stored.id] = stored
        self._held_bytes += len(data)
        while self._held_bytes > MOST_HELD_BYTES and len(self._files) > 1:
            _, oldest = self._files.popitem(last=False)
            self._held_bytes -= len(oldest.data)
        return stored

    def _new_id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{self._number:026d}"


def _validate(lines: list[bytes]) -> list[dict[str, Any]]:
    """Return what is wrong with a batch file, an empty list when nothing is."""
    if not lines:
        return [{"code": "empty_file", "message": "The file holds no requests.", "line": None, "param": None}]
    if len(lines) > MOST_LINES:
        message = f"The file has {len(lines)} lines; at most {MOST_LINES} are taken."
        return [{"code": "too_many_lines", "message": message, "line": None, "param": None}]
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        why = _wrong_line(line, seen)
        if why:
            errors.append({"code": "invalid_line", "message": why, "line": number, "param": None})
    return errors[:100]


def _wrong_line(line: bytes, seen: set[str]) -> str | None:
    try:
        value = orjson.loads(line)
    except ValueError:
        return "The line is not valid JSON."
    if not isinstance(value, dict) or not isinstance(value.get("custom_id"), str):
        return "The line has no `custom_id`."
    if value["custom_id"] in seen:
        return f"The `custom_id` {value['custom_id']} stands in the file more than once."
    seen.add(value["custom_id"])
    if value.get("method") != "POST" or value.get("url") != "/v1/chat/completions":
        return "`method` must be POST and `url` /v1/chat/completions."
    body = value.get("body")
    if not isinstance(body, dict):
        return "`body` must be a request."
    return "`service_tier` is not taken in a batch." if "service_tier" in body else None


def _result(
    custom_id: str, batch_id: str, number: int, response: dict[str, Any] | None, error: dict[str, str] | None
) -> bytes:
    return orjson.dumps(
        {"id": f"batch_req_{batch_id}_{number}", "custom_id": custom_id, "response": response, "error": error}
    )


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _refused(refusal: refusals.Refusal) -> Response:
    return Response(orjson.dumps({"error": refusal.error}), refusal.status, media_type="application/json")


def _missing(request: Request, what: str) -> Response:
    return _refused(refusals.not_found(what, request.path_params["ident"]))
