"""Figures in words: counts, lengths of time and amounts of money as a person says them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: “1 text”, “1,204 texts”."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Return a length of time in `seconds`: “0.7 s”, “42 s”, “2 min 5 s”, “1 h 20 min”."""
    if seconds < 0.1:
        return f"{seconds:.2g} s"
    if seconds < 20:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    return _two(whole // 3600, "h", whole % 3600 // 60, "min")


def _two(large: int, unit: str, small: int, smaller_unit: str) -> str:
    return f"{large} {unit} {small} {smaller_unit}" if small else f"{large} {unit}"


def dollars(amount_usd: float) -> str:
    """Return US dollars with as many digits as a small amount needs: “$12.50”, “$0.015”, “$0.0023”."""
    if amount_usd == 0:
        return "$0"
    if amount_usd < 0.0001:
        return "under $0.0001"
    digits = 2 if amount_usd >= 0.1 else 3 if amount_usd >= 0.01 else 4
    return f"${amount_usd:,.{digits}f}"
