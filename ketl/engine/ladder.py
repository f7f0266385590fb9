"""The repair ladder: ask again with the fault named, then the next model, then leave it to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ketl.briefs import NOT_A_TRANSLATION, Prepared
from ketl.checks.base import Finding, Severity
from ketl.engine.request import Request
from ketl.events import Event, Repaired
from ketl.results import Outcome, Status

TOP_RUNG = 2
# When a fault was never mended in one language in this many tries, asking again is a waste of money.
_HOPELESS_AFTER = 8


class Ladder:
    """Decides of every answer whether it is accepted, climbs a rung, or ends as flagged or failed.

    Keeps the best draft of each segment that is being repaired, so that a person gets it if no rung helps.
    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._drafts: dict[tuple[bytes, str], Outcome] = {}
        self._tried: Counter[tuple[int, str, str]] = Counter()
        self._solved: Counter[tuple[int, str, str]] = Counter()

    def judge(
        self, request: Request, item: Prepared, text: str, findings: tuple[Finding, ...], model: str, seconds: float
    ) -> Outcome | None:
        """Return how the segment ends with this answer, or None when it must climb a rung."""
        outcome = Outcome(
            key=item.segment.key,
            language_tag=item.segment.language.tag,
            status=Status.TRANSLATED,
            text=text,
            model=model,
            findings=findings,
            seconds=seconds,
            rung=request.rung,
        )
        errors = [f.id for f in findings if f.severity is Severity.ERROR] if findings else []
        if request.rung:
            self._learn(request, item, solved=not errors)
        if not errors:
            if request.rung:
                self._drafts.pop(item.segment.id, None)
            return outcome
        draft = self._drafts.get(item.segment.id)
        if draft is None or _badness(outcome) <= _badness(draft):
            self._drafts[item.segment.id] = outcome
        if request.rung >= TOP_RUNG or self._hopeless(request.rung + 1, item, errors):
            return self.top(item)
        return None

    def faults(self, item: Prepared) -> tuple[str, ...]:
        """Return what to tell the model was wrong with its answer."""
        draft = self._drafts[item.segment.id]
        return tuple(f.message for f in draft.findings if f.severity is Severity.ERROR)

    def kept(self, item: Prepared) -> Outcome | None:
        """Return the end of a segment that has a draft though its repair failed, None when it has none."""
        return self.top(item) if item.segment.id in self._drafts else None

    def top(self, item: Prepared) -> Outcome:
        """Return the end of a segment that no rung mended: flagged with its best draft, or failed."""
        draft = self._drafts.pop(item.segment.id)
        worst = next((f for f in draft.findings if f.id in NOT_A_TRANSLATION), None)
        if worst is None:
            return draft
        return replace(draft, status=Status.FAILED, text="", reason=f"No usable translation came back. {worst.message}")

    def _hopeless(self, rung: int, item: Prepared, errors: list[str]) -> bool:
        keys = [(rung, item.segment.language.tag, check) for check in errors]
        return all(self._tried[key] >= _HOPELESS_AFTER and not self._solved[key] for key in keys)

    def _learn(self, request: Request, item: Prepared, *, solved: bool) -> None:
        self._emit(Repaired(request.rung, solved))
        draft = self._drafts.get(item.segment.id)
        if draft is None:
            return
        for finding in draft.findings:
            if finding.severity is Severity.ERROR:
                key = (request.rung, item.segment.language.tag, finding.id)
                self._tried[key] += 1
                self._solved[key] += solved


def _badness(outcome: Outcome) -> tuple[int, int]:
    ids = [f.id for f in outcome.findings if f.severity is Severity.ERROR]
    return (sum(i in NOT_A_TRANSLATION for i in ids), len(ids))
