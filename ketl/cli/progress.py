"""Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from ketl._figures import counted, duration
from ketl.results.catalog_change import CatalogChanged
from ketl.results.events import (
    Admitted,
    Answered,
    Ended,
    Event,
    JournalHeld,
    LaneClosed,
    LimitReached,
    PhaseBegan,
    Planned,
    ServedAtOnce,
    Substituted,
)
from ketl.results.pace import Pace
from ketl.results.waiting_words import at_once_in_words, closed_in_words, held_in_words, left_in_words, wait_in_words

_BAR_EVERY_S = 0.1
_LINE_EVERY_S = 10.0
_WORTH_TELLING_S = 5.0
_TELL_AGAIN_S = 30.0


class Progress:
    """Watches a run's events and says on standard error how far it is."""

    def __init__(self, engine: str) -> None:
        self._terminal = sys.stderr.isatty()
        self._engine = engine
        self._total = 0
        self._done = 0
        self._next = 0.0
        self._phase = ""
        self._pace = Pace()
        self._at_once: int | None = None
        # By model: until when its wait is told, and since when all was refused.
        self._told_until: dict[str, float] = {}
        self._refused_since: dict[str, float] = {}

    def _begin(self, plan: Planned) -> None:
        """Say what is about to happen."""
        self._total = plan.segments
        where = "the local demo server" if self._engine == "demo" else "Groq"
        print(
            f"{counted(plan.units, 'text')} of {counted(plan.products, 'product')} into "
            f"{counted(plan.languages, 'language')}: {counted(plan.requests, 'request')} to {where}, "
            f"about {duration(plan.predicted_s)}.",
            file=sys.stderr,
        )

    def take(self, event: Event) -> None:
        """Take one event in, and redraw when it is time."""
        if type(event) is Ended:
            self._done += 1
            if not event.outcome.from_memory:
                self._pace.ended(time.monotonic())
            self._draw()
        elif type(event) is Admitted:
            self._pace.begin(time.monotonic())
        elif type(event) is Answered:
            if event.status == "200":
                self._refused_since.pop(event.model, None)
        elif isinstance(event, ServedAtOnce):
            if event.at_once is not None and event.at_once != self._at_once:
                self._say(at_once_in_words(event.at_once))
            self._at_once = event.at_once
        elif isinstance(event, Planned):
            self._begin(event)
        elif isinstance(event, Substituted):
            self._say(f"{event.source} → {event.target}: {event.reason}.")
        elif isinstance(event, CatalogChanged):
            self._say(event.sentence)
        elif isinstance(event, (LimitReached, LaneClosed)):
            self._held_back(event, time.monotonic())
        elif isinstance(event, JournalHeld):
            self._say(held_in_words(event.reason, event.patience_s))
        elif isinstance(event, PhaseBegan):
            self._phase = event.phase
            if event.phase == "baseline":
                self._say(f"Measuring the baseline: {counted(event.requests, 'request')} one after another …")

    def _held_back(self, event: LimitReached | LaneClosed, now: float) -> None:
        """Say what a limit, or a model that fails, holds back: once for every one of a burst, and again if it lasts."""
        if isinstance(event, LaneClosed):
            if event.wait_s > _WORTH_TELLING_S and now >= self._told_until.get(event.model, 0.0):
                self._told_until[event.model] = now + _TELL_AGAIN_S
                self._say(f"{closed_in_words([event.model], event.reason, event.wait_s)}.")
            return
        since = self._refused_since.setdefault(event.model, now) if event.refused else now
        refused_s = now - since
        if max(event.wait_s, refused_s) <= _WORTH_TELLING_S or now < self._told_until.get(event.model, 0.0):
            return
        self._told_until[event.model] = now + max(event.wait_s, _TELL_AGAIN_S)
        said = wait_in_words(event.model, event.kind, event.wait_s)
        if event.wait_s <= _WORTH_TELLING_S:
            said += f"; nothing has got through for {duration(refused_s)}"
        self._say(f"{said}.")

    def _draw(self) -> None:
        now = time.monotonic()
        if now < self._next and self._done < self._total:
            return
        if self._terminal:
            width = 30
            full = width * self._done // max(1, self._total)
            bar = f"[{'█' * full}{'·' * (width - full)}] {self._done}/{self._total}{self._left(now)}"
            print(f"\r{bar:<{width + 46}}", end="", file=sys.stderr)
            self._next = now + _BAR_EVERY_S
        else:
            if self._next and self._done < self._total:
                print(f"{self._done} of {self._total} done{self._left(now)}", file=sys.stderr)
            self._next = now + _LINE_EVERY_S

    def _left(self, now: float) -> str:
        left_s = self._pace.left_s(self._total - self._done, now) if self._done < self._total else None
        return "" if left_s is None else f", {left_in_words(left_s)}"

    def _say(self, line: str) -> None:
        print(("\r" if self._terminal else "") + line, file=sys.stderr)

    def close(self) -> None:
        """End the bar's line."""
        if self._terminal and self._done:
            print(file=sys.stderr)
