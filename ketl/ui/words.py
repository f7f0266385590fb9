"""The sentences of the pages: counts, times, costs and outcomes in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ketl._figures import counted, dollars, duration
from ketl.results.baseline import BaselineKind
from ketl.runs.job import Mode
from ketl.store.records import RunStatus

# A run's status as the pages say it, in the middle of a line.
RUN_STATUS: Mapping[RunStatus, str] = {
    RunStatus.QUEUED: "waiting to start",
    RunStatus.RUNNING: "under way",
    RunStatus.FINISHED: "finished",
    RunStatus.CANCELLED: "ended early",
    RunStatus.INTERRUPTED: "interrupted",
    RunStatus.FAILED: "failed",
}


def times(factor: float) -> str:
    """Return a factor in words: `4.2 times`, `19 times`."""
    return f"{factor:.1f} times" if factor < 10 else f"{factor:,.0f} times"


def cost_range(cost_usd: tuple[float, float] | None) -> str:
    """Return a range of US dollars in words, `unknown` when a model's price is."""
    if cost_usd is None:
        return "unknown"
    low, high = (dollars(amount) for amount in cost_usd)
    return low if low == high else f"{low} – {high.removeprefix('$')}"


def joined(words: Sequence[str]) -> str:
    """Return `A`, `A and B`, or `A, B and C`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def selection(products: int, languages: int) -> str:
    """Return what is chosen, in words."""
    return f"{counted(products, 'product')}, {counted(languages, 'language')}"


def ends(report: Mapping[str, Any]) -> str:
    """Return how the texts of a run ended, in words: `50 translated, 1 failed`."""
    parts = [f"{report['translated']:,} translated"]
    parts += [f"{report[name]:,} {words}" for name, words in _ENDS if report[name]]
    return ", ".join(parts)


_ENDS = (("failed", "failed"), ("cancelled", "not translated"), ("from_memory", "of them from the memory"))


def summary(report: Mapping[str, Any]) -> str:
    """Return the sentence that says what a run did and what running in parallel bought."""
    texts = report["units"] // max(1, report["languages"])
    what = f"{counted(texts, 'text')} into {counted(report['languages'], 'language')}"
    took = f"{what} in {duration(report['makespan_s'])}"
    if report["status"] == RunStatus.CANCELLED:
        return f"Ended early after {duration(report['makespan_s'])}: {ends(report)}."
    if not report["requests"]:
        return f"{took}: everything was known already, so nothing was sent and nothing was paid."
    if report["mode"] == Mode.SEQUENTIAL:
        return f"{took}, one request after another."
    return f"{took}; {comparison(report)}."


def comparison(report: Mapping[str, Any]) -> str:
    """Return how a run compares with one request after another, and how that time was obtained."""
    baseline = report["baseline"]
    would = "took" if baseline["kind"] == BaselineKind.MEASURED else "would have taken"
    speedup = report["speedup"]
    said = f"one after another it {would} {duration(baseline['seconds'])} ({baseline['kind']})"
    if speedup is None:
        return said
    return f"{said}: {times(speedup)} faster" if speedup >= 1.05 else f"{said}, so nothing was gained"


def baseline_kind(baseline: Mapping[str, Any]) -> str:
    """Return how the time one after another was obtained, as a sentence."""
    if baseline["kind"] == BaselineKind.MEASURED:
        return "Measured: the very same requests ran a second time, one after another."
    if baseline["kind"] == BaselineKind.SAMPLED:
        interval = baseline["ci95_s"]
        within = f", 95 % sure between {duration(interval[0])} and {duration(interval[1])}" if interval else ""
        return f"Sampled: {counted(baseline['sample'], 'request')} drawn by chance ran one by one{within}."
    return (
        "Projected: the service times that this run observed, added up; waiting for limits is left out. Under load "
        "a request takes longer than alone, so this may flatter: measure to be sure."
    )


def bound(report: Mapping[str, Any]) -> str:
    """Return how near a run came to the fastest that its limits and its longest request allow."""
    efficiency = report["efficiency"]
    if not efficiency:
        return ""
    return (
        f"No schedule could have finished these requests in under {duration(report['bound_s'])}; "
        f"this run came to {min(1.0, efficiency):.0%} of that."
    )


def prediction(report: Mapping[str, Any]) -> str:
    """Return how the predicted time compares with the real one."""
    error = report["prediction_error"]
    if error is None:
        return ""
    side = "longer" if error > 0 else "shorter"
    return (
        f"Predicted {duration(report['predicted_s'])}, took {duration(report['makespan_s'])}: "
        f"{abs(error):.0%} {side} than said."
    )
