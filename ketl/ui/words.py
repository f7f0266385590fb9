"""The sentences of the pages: counts, times, costs and outcomes in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ketl._figures import counted, dollars, duration
from ketl.results.baseline import BaselineKind
from ketl.results.waiting_words import left_in_words
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
    RunStatus.UNKNOWN: "not readable by this version",
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


def took(report: Mapping[str, Any]) -> str:
    """Return how long a run took: from the first request to the last result and, where known, from the press on."""
    work, total = report["makespan_s"], report.get("total_s")
    if total is None or duration(total) == duration(work):
        return duration(work)
    return f"{duration(work)} ({duration(total)} from press to result)"


def remaining(*, passed_s: float, predicted_s: float, left_s: float | None) -> str:
    """Return how long it will still take, in words: by the pace that was seen, by the plan while there is none.

    A plan that took longer already says nothing of the rest.
    """
    if left_s is None and passed_s > predicted_s:
        return f"{duration(passed_s)} passed, longer than planned; how long it will still take shows soon."
    return f"{duration(passed_s)} passed, {left_in_words(predicted_s - passed_s if left_s is None else left_s)}."


def roughly(seconds: float) -> str:
    """Return a length of time as an estimate is said: `4 s`, `40 s`, `3 min`, `1 h 20 min`."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 57.5:
        return f"{round(seconds / 5) * 5} s"
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else duration(minutes * 60)


def substitution(move: Mapping[str, Any]) -> str:
    """Return which model took another one's place, and why."""
    return f"{move['reason']}; {move['to']} took the place of {move['from']}."


def ends(report: Mapping[str, Any]) -> str:
    """Return how the texts of a run ended, in words: `50 translated, 1 failed`."""
    parts = [f"{report['translated']:,} translated"]
    parts += [f"{report[name]:,} {words}" for name, words in _ENDS if report.get(name)]
    return ", ".join(parts)


_ENDS = (
    ("failed", "failed"),
    ("cancelled", "not translated"),
    ("from_memory", "of them from the memory"),
    ("done_before", "of them before the run was resumed"),
)


def summary(report: Mapping[str, Any]) -> str:
    """Return the sentence that says what a run did and what running in parallel bought."""
    texts = report["units"] // max(1, report["languages"])
    what = f"{counted(texts, 'text')} into {counted(report['languages'], 'language')}"
    before = report.get("done_before")
    said = (
        f"{what}, {before:,} of the translations from before; the rest in {took(report)}"
        if before
        else (f"{what} in {took(report)}")
    )
    if report["status"] == RunStatus.CANCELLED:
        return f"Ended early after {took(report)}: {ends(report)}."
    if before == report["units"]:
        return f"{what}: all of it was translated before the run was resumed, so nothing was sent and nothing was paid."
    if not report["requests"]:
        return f"{said}: everything was known already, so nothing was sent and nothing was paid."
    if report["mode"] == Mode.SEQUENTIAL:
        return f"{said}, one request after another."
    return f"{said}; {comparison(report)}."


def comparison(report: Mapping[str, Any]) -> str:
    """Return how a run compares with one request after another, and how that time was obtained."""
    baseline = report["baseline"]
    would = "took" if baseline["kind"] == BaselineKind.MEASURED else "would have taken"
    speedup = report["speedup"]
    if speedup is None:
        return "measure it on the Timing page to know what running in parallel bought"
    said = f"one after another it {would} {duration(baseline['seconds'])} ({baseline['kind']})"
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
        "Projected: the work in this run's answers, added up, without what they waited in a queue or for limits. "
        "Under load a request takes longer than alone, so this may flatter: measure to be sure."
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
