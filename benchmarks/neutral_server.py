"""A lean server with Groq's wire form, buckets, headers and refusals, against which all contestants are measured.

It shares no code with the product or its demo server. `python -m benchmarks.neutral_server` prints its port;
`POST /control` with a scenario's settings starts afresh, `GET /stats` tells what was counted since then.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import re
import resource
from collections import Counter, deque
from hashlib import blake2b
from statistics import NormalDist
from typing import Any

import orjson

from benchmarks.neutral_text import pseudo_translate

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found", 413: b"Content Too Large", 429: b"Too Many Requests",
            500: b"Internal Server Error", 503: b"Service Unavailable"}  # fmt: skip
_PERIOD_S = {"RPM": 60.0, "TPM": 60.0, "OTPM": 60.0, "RPD": 86_400.0, "TPD": 86_400.0}
_NAMES = {"RPM": "requests per minute", "TPM": "tokens per minute", "OTPM": "output tokens per minute",
          "RPD": "requests per day", "TPD": "tokens per day"}  # fmt: skip
_NORMAL = NormalDist()
_FULL = ("RPM", "RPD", "TPM", "TPD", "OTPM")


class Bucket:
    """A leaky bucket that refills continuously; `used` is what is spent and not yet refilled."""

    def __init__(self, limit: float, burst: float | None, period_s: float) -> None:
        self.limit, self.burst, self.rate = limit, burst or limit, limit / period_s
        self.used, self.at = 0.0, 0.0

    def level(self, now: float) -> float:
        """Return what is spent now."""
        self.used, self.at = max(0.0, self.used - self.rate * (now - self.at)), now
        return self.used


class World:
    """What one scenario lays down, and what was counted in it. Times are seconds of the loop's clock.

    `settings`: models {id: limits}, listed (default: all), retired {id: seen requests before it goes},
    latency {kind: zero|fixed|uniform|lognormal|tokens}, faults {name: share of attempts}, slow {share, factor, hung},
    places (how many requests are worked on at a time, the others wait; default: all), deaf (works on for clients that
    hung up), tells (says in `usage` how long it worked).
    """

    def __init__(self, settings: dict[str, Any], now: float) -> None:
        self.settings = settings
        self.buckets: dict[str, dict[str, Bucket]] = {}
        for model, limits in settings.get("models", {}).items():
            lane = self.buckets[model] = {}
            for kind in _FULL:
                if limits.get(kind.lower()):
                    lane[kind] = Bucket(limits[kind.lower()], limits.get(f"{kind.lower()}_burst"), _PERIOD_S[kind])
        self.retired: dict[str, int] = dict(settings.get("retired", {}))
        self.faults = [(name, share) for name, share in settings.get("faults", {}).items()]
        self.latency = settings.get("latency", {"kind": "zero"})
        self.slow = settings.get("slow", {})
        self.free: int | None = settings.get("places")
        self.waiting: deque[tuple[Connection, Counter[str], tuple[Any, ...], float]] = deque()
        self.worked_s = 0.0
        self.count: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.by_model: dict[str, Counter[str]] = {}
        self.tries: Counter[bytes] = Counter()
        self.good: Counter[bytes] = Counter()
        self.in_flight = self.most_in_flight = self.connections = 0
        self.first_at = self.last_at = self.last_arrival_at = 0.0
        self.longest_s = 0.0
        self.began_at, self.cpu_s = now, _cpu()

    def stats(self) -> dict[str, Any]:
        """Return everything counted since the scenario began."""
        again = sum(n - 1 for n in self.good.values())
        return {
            **self.count,
            "segments_answered": len(self.good),
            "billed_again": again,
            "by_model": {name: dict(counts) for name, counts in self.by_model.items()},
            "most_in_flight": self.most_in_flight,
            "connections": self.connections,
            "span_s": self.last_at - self.first_at,
            "arrivals_s": self.last_arrival_at - self.first_at,
            "longest_s": self.longest_s,
            "worked_s": self.worked_s,
            "server_cpu_s": _cpu() - self.cpu_s,
        }

    def listing(self) -> bytes:
        """Return the body of `GET /models`."""
        listed = self.settings.get("listed") or list(self.buckets)
        rows = [
            {"id": m, "object": "model", "owned_by": "neutral", "active": True, "context_window": 131_072,
             "max_completion_tokens": 32_768} for m in listed
        ]  # fmt: skip
        return orjson.dumps({"object": "list", "data": rows})

    def draw_s(self, chance: bytes, completion: int, first: bool) -> float:
        """Return the seconds of an answer; infinite when it never comes."""
        share = int.from_bytes(chance[:4], "big") / 2**32
        latency, kind = self.latency, self.latency["kind"]
        if kind == "zero":
            seconds = 0.0
        elif kind == "fixed":
            seconds = latency["seconds"] * (0.9 + 0.2 * share)
        elif kind == "uniform":
            seconds = latency["low_s"] + (latency["high_s"] - latency["low_s"]) * share
        elif kind == "lognormal":
            drawn = latency["median_s"] * math.exp(latency["sigma"] * _NORMAL.inv_cdf(min(max(share, 1e-6), 1 - 1e-6)))
            seconds = min(latency["high_s"], max(latency["low_s"], drawn))
        else:  # as a model answers: time to the first token, then its tokens, a tenth up or down
            seconds = (latency["first_s"] + completion / latency["tokens_per_s"]) * (0.9 + 0.2 * share)
        if first:
            self.longest_s = max(self.longest_s, seconds)
        if self.slow:
            luck = int.from_bytes(chance[4:8], "big") / 2**32
            if luck < self.slow["hung"]:
                return math.inf
            if luck < self.slow["hung"] + self.slow["share"]:
                return seconds * float(self.slow["factor"])
        return seconds

    def fault(self, chance: bytes) -> str:
        """Return the fault that this attempt meets, empty for none."""
        luck = int.from_bytes(chance[8:12], "big") / 2**32
        for name, share in self.faults:
            if luck < share:
                return name
            luck -= share
        return ""

    def refusal(self, model: str, prompt: int, ceiling: int, now: float) -> tuple[int, bytes, float] | None:
        """Charge the request to its model's buckets, or return the status, body and wait of its refusal."""
        lane = self.buckets[model]
        worst: tuple[float, str, float] | None = None
        for kind, bucket in lane.items():
            need = _need(kind, prompt, ceiling)
            over = bucket.level(now) + need - bucket.burst
            if need > bucket.burst:
                return 413, _refused(model, kind, bucket, need, None), 0.0
            if over > 1e-6 and (worst is None or over / bucket.rate > worst[0]):
                worst = (over / bucket.rate, kind, need)
        if worst is not None:
            return 429, _refused(model, worst[1], lane[worst[1]], worst[2], worst[0]), worst[0]
        for kind, bucket in lane.items():
            bucket.used += _need(kind, prompt, ceiling)
        return None

    def settle(self, model: str, unused: int, now: float) -> None:
        """Give back what was reserved for an answer and not used."""
        for kind in ("TPM", "TPD", "OTPM"):
            bucket = self.buckets[model].get(kind)
            if bucket is not None:
                bucket.used = max(0.0, bucket.level(now) - unused)

    def headers(self, model: str, now: float) -> bytes:
        """Return the rate-limit headers of a model: requests per day and tokens per minute, where it has them."""
        said = b""
        for kind, word in (("RPD", b"requests"), ("TPM", b"tokens")):
            bucket = self.buckets[model].get(kind)
            if bucket is not None:
                level = bucket.level(now)
                said += b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n" % (
                    word, bucket.limit, word, bucket.burst - level, word, duration(level / bucket.rate).encode(),
                )  # fmt: skip
        return said


def _need(kind: str, prompt: int, ceiling: int) -> int:
    return 1 if kind in ("RPM", "RPD") else ceiling if kind == "OTPM" else prompt + ceiling


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def duration(seconds: float) -> str:
    """Return a length of time as Groq writes it: 585ms, 11.455s, 9m38.016s."""
    if seconds < 1.0:
        return f"{seconds * 1000:.4g}ms"
    minutes, rest = divmod(seconds, 60.0)
    return f"{int(minutes)}m{rest:.6g}s" if minutes else f"{rest:.6g}s"


def _refused(model: str, kind: str, bucket: Bucket, need: int, wait_s: float | None) -> bytes:
    where = f"`{model}` in organization `org_neutral` service tier `on_demand` on {_NAMES[kind]} ({kind})"
    if wait_s is None:
        said = f"Request too large for model {where}: Limit {bucket.burst:.0f}, Requested {need}, please reduce it."
    else:
        said = (
            f"Rate limit reached for model {where}: Limit {bucket.limit:.0f}, Used {math.ceil(bucket.used)}, "
            f"Requested {need}. Please try again in {duration(wait_s)}. Need more tokens? Upgrade your plan."
        )
    kind_word = "requests" if kind in ("RPM", "RPD") else "tokens"
    return orjson.dumps({"error": {"message": said, "type": kind_word, "code": "rate_limit_exceeded"}})


def _error(message: str, kind: str, code: str | None = None) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": kind, "code": code}})


class Connection(asyncio.Protocol):
    """One connection: reads requests, answers from timers."""

    world: World

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._open = True

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport
        Connection.world.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nobody listens any more."""
        self._open = False

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and answer every whole request in them."""
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:head_end]
            found = _LENGTH.search(head)
            end = head_end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < end:
                return
            body, self._buffer = self._buffer[head_end + 4 : end], self._buffer[end:]
            path = head.split(b" ", 2)[1]
            if path.endswith(b"/chat/completions"):
                self._chat(body)
            elif path.endswith(b"/models"):
                self._send(200, Connection.world.listing())
            elif path == b"/stats":
                self._send(200, orjson.dumps(Connection.world.stats()))
            elif path == b"/control":
                Connection.world = World(orjson.loads(body), self._loop.time())
                self._send(200, b"{}")
            else:
                self._send(404, _error("Unknown path.", "invalid_request_error"))

    def _send(self, status: int, body: bytes, headers: bytes = b"") -> None:
        if self._open:
            self._transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b"
                % (status, _REASONS[status], headers, len(body), body)
            )

    def _chat(self, body: bytes) -> None:
        world, now = Connection.world, self._loop.time()
        request = orjson.loads(body)
        model, text = request["model"], request["messages"][-1]["content"]
        world.first_at = world.first_at or now
        world.last_at = world.last_arrival_at = now
        world.count["attempts"] += 1
        counts = world.by_model.setdefault(model, Counter())
        counts["attempts"] += 1
        world.seen[model] += 1
        if model not in world.buckets or world.seen[model] > world.retired.get(model, 1 << 60):
            world.count["hopeless"] += 1
            gone = f"The model `{model}` has been decommissioned and is no longer supported."
            self._send(400, _error(gone, "invalid_request_error", "model_decommissioned"))
            return
        asked = orjson.loads(text)
        tag, segments = asked["target_tag"], asked["segments"]
        key = blake2b(f"{tag}\0{segments}".encode(), digest_size=12).digest()
        prompt = sum(len(m["content"]) for m in request["messages"]) // 4 + 20
        ceiling = int(request.get("max_completion_tokens") or request.get("max_tokens") or 1024)
        refused = world.refusal(model, prompt, ceiling, now)
        if refused is not None:
            status, said, wait_s = refused
            world.count[f"refused_{status}"] += 1
            counts["refused"] += 1
            world.seen[model] -= 1
            head = b"retry-after: %d\r\n" % math.ceil(wait_s) if status == 429 else b""
            self._send(status, said, world.headers(model, now) + head)
            return
        world.tries[key] += 1
        chance = blake2b(key, digest_size=12, salt=world.tries[key].to_bytes(4, "big")).digest()
        fault = world.fault(chance)
        if fault in ("500", "503"):
            world.count[fault] += 1
            world.settle(model, prompt + ceiling, now)
            self._loop.call_later(0.02, self._send, int(fault), _error("The service is busy.", "internal_server_error"))
            return
        content = orjson.dumps({name: pseudo_translate(source, tag) for name, source in segments.items()}).decode()
        wide = len(content.encode()) - len(content)
        completion = max(1, round((len(content) - 0.75 * wide) / 3.8 + 0.4 * wide)) + int(
            world.settings.get("reasoning_tokens", 0)
        )
        finish = "stop"
        if completion > ceiling:
            content, completion, finish = content[: len(content) * ceiling // completion], ceiling, "length"
        seconds = world.draw_s(chance, completion, world.tries[key] == 1)
        world.in_flight += 1
        world.most_in_flight = max(world.most_in_flight, world.in_flight)
        if seconds == math.inf:
            world.count["hung"] += 1
            return
        parts = (model, tag, segments, content, finish, prompt, completion, ceiling, fault, seconds)
        if world.free == 0:
            world.waiting.append((self, counts, parts, seconds))
        else:
            self._work(world, counts, parts, seconds)

    def _work(self, world: World, counts: Counter[str], parts: tuple[Any, ...], seconds: float) -> None:
        if world.free is not None:
            world.free -= 1
        world.worked_s += seconds
        if seconds > 0.0:
            self._loop.call_later(seconds, self._answer, world, counts, parts)
        else:
            self._answer(world, counts, parts)

    def _next(self, world: World) -> None:
        """Give the place that became free to whoever waits longest."""
        if world.free is None:
            return
        world.free += 1
        while world.waiting and world.free:
            connection, counts, parts, seconds = world.waiting.popleft()
            if connection._open or world.settings.get("deaf"):
                connection._work(world, counts, parts, seconds)

    def _answer(self, world: World, counts: Counter[str], parts: tuple[Any, ...]) -> None:
        model, tag, segments, content, finish, prompt, completion, ceiling, fault, seconds = parts
        self._next(world)
        now = self._loop.time()
        world.in_flight -= 1
        world.settle(model, ceiling - completion, now)
        world.last_at = now
        world.count["billed"] += 1
        world.count["tokens"] += prompt + completion
        counts["billed"] += 1
        counts["tokens"] += prompt + completion
        if not self._open:
            world.count["nobody_listened"] += 1
        if fault:
            world.count[f"spoilt_{fault}"] += 1
        elif finish == "stop":
            for source in segments.values():
                world.good[blake2b(f"{tag}\0{source}".encode(), digest_size=12).digest()] += 1
        else:
            world.count["cut_by_ceiling"] += 1
        body = orjson.dumps({
            "id": "chatcmpl-neutral", "object": "chat.completion", "created": 1_790_000_000, "model": model,
            "service_tier": "on_demand", "system_fingerprint": "fp_neutral", "x_groq": {"id": "req_neutral"},
            "choices": [{"index": 0, "finish_reason": finish, "logprobs": None,
                         "message": {"role": "assistant", "content": "" if fault == "empty" else content}}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
            | ({"total_time": seconds} if world.settings.get("tells") else {}),
        })  # fmt: skip
        headers = world.headers(model, now)
        if fault == "cut":
            body = body[: len(body) // 2]
        elif fault == "reset" and self._open:
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body[:60]))
            self._loop.call_later(0.01, self._transport.abort)
            return
        self._send(200, body, headers)


async def serve(port: int) -> None:
    """Listen on 127.0.0.1 until the process ends; print the port."""
    loop = asyncio.get_running_loop()
    Connection.world = World({}, loop.time())
    server = await loop.create_server(Connection, "127.0.0.1", port, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - a parent's end is no event of this loop
        await asyncio.sleep(1.0)


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neutral_server")
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    try:
        import uvloop
    except ImportError:  # Windows
        asyncio.run(serve(port))
    else:
        uvloop.run(serve(port))


if __name__ == "__main__":
    main()
