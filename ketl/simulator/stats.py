"""Counts what the server saw, for tests and benchmarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Each remembered source costs about 200 bytes: this bounds the list at some 20 MB.
_MOST_SEEN = 100_000
# The first so many arrivals and ends are kept in their order: enough for a test, nothing for a benchmark.
_MOST_TURNS = 2_000


@dataclass(slots=True)
class ModelStats:
    """What one model saw: counts, tokens billed, and `busy_s`, the sum of its service times.

    `first_s` and `last_s` are the arrival of the first request and the end of the last, seconds since start.
    """

    requests: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    status_counts: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    busy_s: float = 0.0
    first_s: float | None = None
    last_s: float | None = None


class Stats:
    """Everything counted since the start or the last reset. The clock gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.started_s = clock()
        self.models: dict[str, ModelStats] = {}
        self.faults: Counter[str] = Counter()
        self.seen: Counter[tuple[str, str, str]] = Counter()
        self.seen_full = False
        self.turns: list[tuple[str, float]] = []
        self.segments = 0
        self.in_flight = 0
        self.max_in_flight = 0

    def enter(self, model: str) -> ModelStats:
        """Count the arrival of a request."""
        entry = self.models.get(model)
        if entry is None:
            entry = self.models[model] = ModelStats(first_s=self._clock() - self.started_s)
        self._turn("begin")
        entry.requests += 1
        entry.in_flight += 1
        self.in_flight += 1
        entry.max_in_flight = max(entry.max_in_flight, entry.in_flight)
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        return entry

    def leave(self, entry: ModelStats, outcome: str) -> None:
        """Count the end of a request with its status, or the word for what happened instead."""
        entry.in_flight -= 1
        entry.status_counts[outcome] += 1
        entry.last_s = self._clock() - self.started_s
        self._turn("end")
        self.in_flight -= 1

    def _turn(self, what: str) -> None:
        if len(self.turns) < _MOST_TURNS:
            self.turns.append((what, self._clock() - self.started_s))

    def see(self, model: str, tag: str, source: str) -> None:
        """Count one segment that an admitted request asked for."""
        self.segments += 1
        key = (model, tag, source)
        if len(self.seen) < _MOST_SEEN or key in self.seen:
            self.seen[key] += 1
        else:
            self.seen_full = True

    def as_json(self, *, with_seen: bool = True) -> dict[str, Any]:
        """Return everything as one JSON object; `seen` rows are [model, tag, source, times], `turns` are the first
        begins and ends of requests in their order, as [begin or end, seconds since start]."""
        models = {
            name: {
                "requests": entry.requests,
                "in_flight": entry.in_flight,
                "max_in_flight": entry.max_in_flight,
                "status_counts": dict(entry.status_counts),
                "prompt_tokens": entry.prompt_tokens,
                "completion_tokens": entry.completion_tokens,
                "cached_tokens": entry.cached_tokens,
                "billed_tokens": entry.prompt_tokens + entry.completion_tokens,
                "busy_s": round(entry.busy_s, 6),
                "first_s": entry.first_s,
                "last_s": entry.last_s,
            }
            for name, entry in self.models.items()
        }
        result: dict[str, Any] = {
            "uptime_s": round(self._clock() - self.started_s, 3),
            "requests": sum(entry.requests for entry in self.models.values()),
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "segments": self.segments,
            "distinct_segments": len(self.seen),
            "models": models,
            "faults": dict(self.faults),
            "seen_full": self.seen_full,
        }
        if with_seen:
            result["seen"] = [[*key, times] for key, times in self.seen.items()]
            result["turns"] = [list(turn) for turn in self.turns]
        return result
