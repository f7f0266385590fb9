"""Folds a run's events into its report: counts, seconds, tokens, dollars, by model and in all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ketl._figures import counted, dollars
from ketl.results.baseline import Baseline, bound_s
from ketl.results.crowd import Shown
from ketl.results.gain import Step
from ketl.results.outcome import Status
from ketl.results.rows import UnitCounts
from ketl.results.tally import Tally
from ketl.version import __version__


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
    total_s: float
    closing_s: float
    predicted_s: float
    baseline: Baseline
    gain: Mapping[str, Step]
    limits: Mapping[str, list[tuple[str, float, float]]]
    shown: Mapping[str, Shown]
    routes: Mapping[str, str]
    pack: Mapping[str, int]
    reason: str = ""


def build_report(tally: Tally, facts: Facts) -> dict[str, Any]:
    """Return the report as JSON values; seconds, tokens and dollars as its keys say, None for unknown."""
    makespan = facts.makespan_s
    # What was done can be done: limits that were learned on the way may make the arithmetic say more.
    bound = min(bound_s(tally.lane_uses(facts.limits, facts.shown)), makespan)
    repaired = {
        str(rung): {"tried": tally.rungs[rung, True] + tally.rungs[rung, False], "solved": tally.rungs[rung, True]}
        for rung in (1, 2, 3)
    }
    return {
        "version": __version__,
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
        "doubted": facts.counts.doubted,
        "given_up": tally.given_up,
        "done_before": facts.counts.done_before,
        "from_memory": facts.counts.from_memory,
        "duplicates_avoided": facts.units - facts.segments,
        "makespan_s": _round(makespan),
        "total_s": _round(facts.total_s),
        "closing_s": _round(facts.closing_s),
        "first_result_s": _round(tally.first_result_s),
        "baseline": {
            "kind": facts.baseline.kind.value,
            "seconds": _round(facts.baseline.seconds),
            "ci95_s": [_round(x) for x in facts.baseline.ci95_s] if facts.baseline.ci95_s else None,
            "sample": facts.baseline.sample,
        },
        "speedup": _round(facts.baseline.seconds / makespan)
        if facts.baseline.seconds is not None and makespan > 0 and tally.requests
        else None,
        "bound_s": _round(bound),
        "efficiency": _round(bound / makespan) if makespan > 0 and bound > 0 else None,
        "predicted_s": _round(facts.predicted_s),
        "prediction_error": _round((makespan - facts.predicted_s) / facts.predicted_s)
        if facts.predicted_s > 0 and tally.requests
        else None,
        "cost_usd": None if tally.cost_usd is None else round(tally.cost_usd, 6),
        "untold": tally.untold,
        "told_usd": round(tally.told_usd, 6),
        "given_up_usd": None if tally.given_up_usd is None else round(tally.given_up_usd, 6),
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
                "served_at_once": facts.shown[name].at_once if name in facts.shown else None,
            }
            for name, model in tally.models.items()
        },
        "routes": dict(facts.routes),
        "pack": dict(facts.pack),
        "substitutions": [{"from": s.source, "to": s.target, "reason": s.reason} for s in tally.substitutions],
        "catalog_changed": None if tally.catalog_changed is None else asdict(tally.catalog_changed),
        "findings": dict(facts.counts.findings),
        "repair": {**repaired, "cost_usd": round(tally.repair_cost_usd, 6)},
        "refusals": tally.refusals,
        "hedges": tally.hedges,
        "gain": {name: {k: _round(v) for k, v in asdict(step).items()} for name, step in facts.gain.items()},
        "peak_rss_mb": peak_rss_mb(),
    }


def given_up_words(report: Mapping[str, Any]) -> str:
    """Return the sentence on the calls that were given up without an answer, empty when there were none."""
    count = report.get("given_up", 0)
    if not count:
        return ""
    most_usd = report.get("given_up_usd")
    said = f"{counted(count, 'call')} {'was' if count == 1 else 'were'} given up; {'it' if count == 1 else 'they'} may"
    if most_usd is None:
        return f"{said} have cost more, at a price that is not known."
    return f"{said} have cost up to {dollars(most_usd)} more."


def untold_words(report: Mapping[str, Any]) -> str:
    """Return the sentence on the answers whose cost is not known, empty when all of it is."""
    count = report.get("untold", 0)
    if not count:
        return ""
    others = f"; the others cost {dollars(report['told_usd'])}" if report["told_usd"] else ""
    return (
        f"What {counted(count, 'answer')} cost is not known{others}: the provider did not say, or not credibly, how "
        f"many tokens {'it' if count == 1 else 'they'} took, or the model has no known price."
    )


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
