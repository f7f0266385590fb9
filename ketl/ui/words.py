"""The sentences of the pages: counts, times, costs and outcomes in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def plural(number: int, noun: str) -> str:
    """Return the number with its noun: `1 text`, `1,204 texts`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Return seconds as a person says them: `0.7 s`, `42 s`, `2 min 5 s`, `1 h 20 min`."""
    if seconds < 0.95:
        return f"{seconds:.2g} s" if seconds < 0.1 else f"{seconds:.1f} s"
    if seconds < 20:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def times(factor: float) -> str:
    """Return a factor in words: `4.2 times`, `19 times`."""
    return f"{factor:.1f} times" if factor < 10 else f"{factor:,.0f} times"


def dollars(amount: float) -> str:
    """Return US dollars with as many digits as a small amount needs."""
    if amount == 0:
        return "$0"
    if amount < 0.0001:
        return "under $0.0001"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.3f}" if amount >= 0.01 else f"${amount:.4f}"


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
    return f"{plural(products, 'product')}, {plural(languages, 'language')}"


def counted(report: Mapping[str, Any]) -> str:
    """Return how the texts of a run ended, in words: `50 translated, 1 failed`."""
    parts = [f"{report['translated']:,} translated"]
    parts += [f"{report[name]:,} {words}" for name, words in _ENDS if report[name]]
    return ", ".join(parts)


_ENDS = (("failed", "failed"), ("cancelled", "not translated"), ("from_memory", "of them from the memory"))


def summary(report: Mapping[str, Any]) -> str:
    """Return the sentence that says what a run did and what running in parallel bought."""
    texts = report["units"] // max(1, report["languages"])
    what = f"{plural(texts, 'text')} into {plural(report['languages'], 'language')}"
    took = f"{what} in {duration(report['makespan_s'])}"
    if report["status"] == "cancelled":
        return f"Ended early after {duration(report['makespan_s'])}: {counted(report)}."
    if not report["requests"]:
        return f"{took}: everything was known already, so nothing was sent and nothing was paid."
    if report["mode"] == "sequential":
        return f"{took}, one request after another."
    return f"{took}; {comparison(report)}."


def comparison(report: Mapping[str, Any]) -> str:
    """Return how a run compares with one request after another, and how that time was obtained."""
    baseline = report["baseline"]
    would = "took" if baseline["kind"] == "measured" else "would have taken"
    speedup = report["speedup"]
    said = f"one after another it {would} {duration(baseline['seconds'])} ({baseline['kind']})"
    if speedup is None:
        return said
    return f"{said}: {times(speedup)} faster" if speedup >= 1.05 else f"{said}, so nothing was gained"


def baseline_kind(baseline: Mapping[str, Any]) -> str:
    """Return how the time one after another was obtained, as a sentence."""
    if baseline["kind"] == "measured":
        return "Measured: the very same requests ran a second time, one after another."
    if baseline["kind"] == "sampled":
        interval = baseline["ci95_s"]
        within = f", 95 % sure between {duration(interval[0])} and {duration(interval[1])}" if interval else ""
        return f"Sampled: {plural(baseline['sample'], 'request')} drawn by chance ran one by one{within}."
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
