"""A run's attempts as bars: which worker slot each took, the same laid end to end, and what a chart says. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ketl._figures import counted, duration
from ketl.language.languages import language_name
from ketl.results.events import Answered
from ketl.ui import words

# More bars than a screen has pixels for help nobody and make the browser slow.
BARS_MOST = 1_500
FIRST = "First try"
# Why an attempt was made, other than being the first: its label, and what several of them are called.
MARKED = {"retry": ("Retry", "retries"), "repair": ("Repair", "repairs"), "hedge": ("Raced copy", "raced copies")}
STATUS = {
    "200": "answered",
    "429": "refused for a limit",
    "413": "too large, split",
    "498": "no room at the provider",
    "gone": "model gone",
    "refused": "refused",
    "timeout": "no answer in time",
    "reset": "connection broke",
    "unusable": "unusable reply",
    "superseded": "its copy was faster",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One attempt to draw; times in seconds since the run's start, `slot` the lowest that was free."""

    start_s: float
    end_s: float
    slot: int
    model: str
    language: str
    texts: int
    kind: str
    status: str

    def as_row(self) -> dict[str, Any]:
        """Return the bar as a row of a chart's data."""
        return {
            "start": round(self.start_s, 4),
            "end": round(self.end_s, 4),
            "slot": self.slot + 1,
            "Model": self.model,
            "Language": self.language,
            "Texts": self.texts,
            "Why": self.kind,
            "Outcome": self.status,
            "Time": duration(self.end_s - self.start_s),
        }


def lay_out(attempts: Sequence[Answered]) -> list[Bar]:
    """Return the attempts as bars, each in the lowest slot that was free when it began."""
    bars: list[Bar] = []
    free: list[int] = []
    taken: list[tuple[float, int]] = []
    for attempt in sorted(attempts, key=lambda a: a.start_s)[:BARS_MOST]:
        while taken and taken[0][0] <= attempt.start_s + 1e-6:
            heapq.heappush(free, heapq.heappop(taken)[1])
        slot = heapq.heappop(free) if free else len(taken)
        end = attempt.start_s + attempt.seconds
        heapq.heappush(taken, (end, slot))
        bars.append(_bar(attempt, attempt.start_s, slot))
    return bars


def end_to_end(attempts: Sequence[Answered]) -> list[Bar]:
    """Return the attempts one after another in one row, without the gaps between them."""
    bars: list[Bar] = []
    clock = 0.0
    for attempt in attempts[:BARS_MOST]:
        bars.append(_bar(attempt, clock, 0))
        clock += attempt.seconds
    return bars


def _bar(attempt: Answered, start_s: float, slot: int) -> Bar:
    return Bar(
        start_s=start_s,
        end_s=start_s + attempt.seconds,
        slot=slot,
        model=attempt.model,
        language=language_name(attempt.language_tag),
        texts=attempt.units,
        kind=MARKED[attempt.kind][0] if attempt.kind in MARKED else FIRST,
        status=STATUS.get(attempt.status, f"error {attempt.status}"),
    )


def most_at_once(bars: Sequence[Bar]) -> int:
    """Return how many attempts were under way at the busiest moment."""
    return max((bar.slot for bar in bars), default=-1) + 1


def in_words(bars: Sequence[Bar]) -> str:
    """Return what the eye should take away from a timeline."""
    if not bars:
        return "Nothing was sent, so there is nothing to draw."
    models = list(dict.fromkeys(bar.model for bar in bars))
    last = max(bars, key=lambda bar: bar.end_s)
    longest = max(bars, key=lambda bar: bar.end_s - bar.start_s)
    said = (
        f"{counted(len(bars), 'attempt')} at {words.joined(models)}, up to {most_at_once(bars)} at once. "
        f"The longest took {duration(longest.end_s - longest.start_s)} ({longest.language}, "
        f"{counted(longest.texts, 'text')}); "
    )
    said += "it also ended last." if longest is last else f"the last to end was {last.language}."
    counts = [(label, many, sum(bar.kind == label for bar in bars)) for label, many in MARKED.values()]
    extra = [f"{number} {label.casefold() if number == 1 else many}" for label, many, number in counts if number]
    return f"{said} Marked: {words.joined(extra)}." if extra else said
