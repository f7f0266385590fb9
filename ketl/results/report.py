"""Folds a run's events into its report: counts, seconds, tokens, dollars, by model and in all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ketl.checks.base import Severity
from ketl.results.baseline import Baseline, LaneUse, Step, bound_s
from ketl.results.events import (
    Admitted,
    Answered,
    Ended,
    Event,
    LimitReached,
    LimitWaited,
    PhaseBegan,
    Repaired,
    Substituted,
)
from ketl.results.outcome import Outcome, Status
from ketl.results.rows import UnitCounts
from ketl.store.records import RouteStats

TIMELINE_MOST = 5_000


@dataclass(slots=True)
class ModelTally:
    """What one model did in a run."""

    requests: int = 0
    attempts: int = 0
    answered: int = 0
    status_counts: Counter[str] = field(default_factory=Counter)
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    busy_s: float = 0.0
    waited_s: float = 0.0
    shortest_s: float = float("inf")
    longest_s: float = 0.0


@dataclass(slots=True)
class RouteTally:
    """What one model did for one language and field kind in a run."""

    answers: int = 0
    passed: int = 0
    repaired: int = 0
    failed: int = 0
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Take one segment's end in."""
        flawed = any(f.severity is Severity.ERROR for f in outcome.findings)
        good = outcome.status is Status.TRANSLATED and not flawed
        self.answers += 1
        self.passed += good and not outcome.rung
        self.repaired += good and outcome.rung > 0
        self.failed += not good
        self.seconds += outcome.seconds or 0.0


class Tally:
    """The fold over one run's events; cheap enough to be read while the run goes on.

    `timeline` holds the attempts' `Answered` events, the first 5,000 of them. Only the first phase of a
    comparison is counted; the baseline's own attempts are not the run's.
    """

    def __init__(self) -> None:
        self.models: dict[str, ModelTally] = {}
        self.timeline: list[Answered] = []
        self.substitutions: list[Substituted] = []
        self.findings: Counter[str] = Counter()
        self.segments: Counter[str] = Counter()
        self.from_memory = 0
        self.requests = 0
        self.rungs: Counter[tuple[int, bool]] = Counter()
        self.first_result_s: float | None = None
        self.cost_usd: float | None = 0.0
        self.repair_cost_usd = 0.0
        self.hedges = 0
        self.limit: LimitReached | None = None
        self.refusals = 0
        self.service_s = 0.0
        self.predicted_service_s = 0.0
        self.routes: dict[tuple[str, str, str], RouteTally] = {}
        self.spent: dict[tuple[str, str], tuple[int, float]] = {}
        self.phase = ""
        self._counting = True

    @property
    def attempts(self) -> int:
        """How many attempts were made."""
        return sum(model.attempts for model in self.models.values())

    def add(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case PhaseBegan():
                self.phase = event.phase
                self._counting = event.phase != "baseline"
            case _ if not self._counting:
                return
            case Admitted():
                self.requests += event.first
                self._model(event.model).requests += event.new_here
            case Answered():
                self._answered(event)
            case Ended():
                self._ended(event)
            case LimitReached():
                self.limit = event
                self.refusals += event.refused
            case LimitWaited():
                self._model(event.model).waited_s += event.seconds
                self.limit = None
            case Substituted():
                self.substitutions.append(event)
            case Repaired():
                self.rungs[event.rung, event.solved] += 1

    def _model(self, name: str) -> ModelTally:
        tally = self.models.get(name)
        if tally is None:
            tally = self.models[name] = ModelTally()
        return tally

    def _answered(self, event: Answered) -> None:
        model = self._model(event.model)
        prompt, completion, cached = event.tokens
        model.attempts += 1
        model.status_counts[event.status] += 1
        model.prompt += prompt
        model.completion += completion
        model.cached += cached
        model.busy_s += event.seconds
        if event.status == "200":
            model.answered += 1
            model.shortest_s = min(model.shortest_s, event.seconds)
            model.longest_s = max(model.longest_s, event.seconds)
            self.service_s += event.service_s or event.seconds
            self.predicted_service_s += event.predicted_s
        if event.cost_usd is None:
            self.cost_usd = None
        elif self.cost_usd is not None:
            self.cost_usd += event.cost_usd
            if event.kind == "repair":
                self.repair_cost_usd += event.cost_usd
        self.hedges += event.kind == "hedge"
        before = self.spent.get((event.language_tag, event.model), (0, 0.0))
        self.spent[event.language_tag, event.model] = (
            before[0] + prompt + completion,
            before[1] + (event.cost_usd or 0.0),
        )
        if len(self.timeline) < TIMELINE_MOST:
            self.timeline.append(event)

    def _ended(self, event: Ended) -> None:
        outcome = event.outcome
        self.segments[outcome.status] += 1
        self.from_memory += outcome.from_memory
        if self.first_result_s is None and outcome.status is Status.TRANSLATED:
            self.first_result_s = event.at_s
        for finding in outcome.findings:
            self.findings[finding.id] += 1
        if outcome.model and not outcome.from_memory:
            key = (outcome.language_tag, outcome.kind, outcome.model)
            route = self.routes.get(key)
            if route is None:
                route = self.routes[key] = RouteTally()
            route.add(outcome)

    def route_stats(self, engine: str) -> list[RouteStats]:
        """Return what this run says of each model by language and field kind, for the store to add up.

        Tokens and dollars are spread evenly over a model's answers in one language: packs mix kinds.
        """
        answers: Counter[tuple[str, str]] = Counter()
        for (tag, _, model), route in self.routes.items():
            answers[tag, model] += route.answers
        stats = []
        for (tag, kind, model), route in self.routes.items():
            tokens, cost = self.spent.get((tag, model), (0, 0.0))
            part = route.answers / max(1, answers[tag, model])
            stats.append(
                RouteStats(
                    engine=engine,
                    language_tag=tag,
                    kind=kind,
                    model=model,
                    answers=route.answers,
                    passed=route.passed,
                    repaired=route.repaired,
                    failed=route.failed,
                    seconds_sum=route.seconds,
                    tokens=round(tokens * part),
                    cost_usd=cost * part,
                )
            )
        return stats

    def lane_uses(self, limits: Mapping[str, list[tuple[str, float, float]]]) -> dict[str, LaneUse]:
        """Return what was taken from each lane, given the limits each had when the run began."""
        return {
            name: LaneUse(
                requests=model.answered,
                tokens=model.prompt + model.completion,
                completion_tokens=model.completion,
                shortest_s=model.shortest_s,
                longest_s=model.longest_s,
                limits=limits.get(name, []),
            )
            for name, model in self.models.items()
            if model.answered
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the report needs beside the events: who asked for what, the counts of units, and the times."""

    run_id: str
    mode: str
    engine: str
    status: str
    products: int
    languages: tuple[str, ...]
    units: int
    segments: int
    counts: UnitCounts
    makespan_s: float
    predicted_s: float
    planned_bound_s: float
    baseline: Baseline
    gain: Mapping[str, Step]
    limits: Mapping[str, list[tuple[str, float, float]]]
    routes: Mapping[str, str]
    pack: Mapping[str, int]
    reason: str = ""


def build_report(tally: Tally, facts: Facts) -> dict[str, Any]:
    """Return the report as JSON values; seconds, tokens and dollars as its keys say, None for unknown."""
    makespan = facts.makespan_s
    # What was done can be done: limits that were learned on the way may make the arithmetic say more.
    bound = min(bound_s(tally.lane_uses(facts.limits)), makespan)
    repaired = {
        str(rung): {"tried": tally.rungs[rung, True] + tally.rungs[rung, False], "solved": tally.rungs[rung, True]}
        for rung in (1, 2, 3)
    }
    return {
        "run_id": facts.run_id,
        "status": facts.status,
        "reason": facts.reason,
        "mode": facts.mode,
        "engine": facts.engine,
        "products": facts.products,
        "languages": len(facts.languages),
        "language_names": list(facts.languages),
        "units": facts.units,
        "segments": facts.segments,
        "requests": tally.requests,
        "attempts": tally.attempts,
        "translated": facts.counts.status.get(Status.TRANSLATED, 0)
        + facts.counts.status.get(Status.EDITED, 0)
        + facts.counts.status.get(Status.APPROVED, 0),
        "failed": facts.counts.status.get(Status.FAILED, 0),
        "cancelled": facts.counts.status.get(Status.CANCELLED, 0),
        "from_memory": facts.counts.from_memory,
        "duplicates_avoided": facts.units - facts.segments,
        "makespan_s": _round(makespan),
        "first_result_s": _round(tally.first_result_s),
        "baseline": {
            "kind": facts.baseline.kind.value,
            "seconds": _round(facts.baseline.seconds),
            "ci95_s": [_round(x) for x in facts.baseline.ci95_s] if facts.baseline.ci95_s else None,
            "sample": facts.baseline.sample,
        },
        "speedup": _round(facts.baseline.seconds / makespan) if makespan > 0 and tally.requests else None,
        "bound_s": _round(bound),
        "efficiency": _round(bound / makespan) if makespan > 0 and bound > 0 else None,
        "predicted_s": _round(facts.predicted_s),
        "prediction_error": _round((makespan - facts.predicted_s) / facts.predicted_s)
        if facts.predicted_s > 0 and tally.requests
        else None,
        "cost_usd": None if tally.cost_usd is None else round(tally.cost_usd, 6),
        "tokens": {
            "prompt": sum(m.prompt for m in tally.models.values()),
            "completion": sum(m.completion for m in tally.models.values()),
            "cached": sum(m.cached for m in tally.models.values()),
        },
        "models": {
            name: {
                "requests": model.requests,
                "attempts": model.attempts,
                "status_counts": dict(model.status_counts),
                "tokens": {"prompt": model.prompt, "completion": model.completion, "cached": model.cached},
                "busy_s": _round(model.busy_s),
                "waited_for_limits_s": _round(model.waited_s),
            }
            for name, model in tally.models.items()
        },
        "routes": dict(facts.routes),
        "pack": dict(facts.pack),
        "substitutions": [{"from": s.source, "to": s.target, "reason": s.reason} for s in tally.substitutions],
        "findings": dict(facts.counts.findings),
        "repair": {**repaired, "cost_usd": round(tally.repair_cost_usd, 6)},
        "refusals": tally.refusals,
        "hedges": tally.hedges,
        "gain": {name: {k: _round(v) for k, v in asdict(step).items()} for name, step in facts.gain.items()},
        "peak_rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> float | None:
    """Return the most memory this process ever held, in megabytes; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
