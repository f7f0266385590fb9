"""The repair ladder: ask again with the fault named, then the next models, then leave it to a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ketl.checks.base import Finding, Severity, has_error
from ketl.engine.request import Request
from ketl.prompts.judging import NOT_A_TRANSLATION
from ketl.prompts.prepared import Prepared
from ketl.results.events import Event, Repaired
from ketl.results.outcome import Outcome, Status

# Rung 1 asks the same model again with the fault named; the rungs above go on along the chain.
TOP_RUNG = 3
# So many repairs of one fault in one language are tried before more are paid for; if none of them helps,
# the model cannot do it, and asking again for every text would only cost money.
PROBES = 3

_ECHO = frozenset({"untranslated"})


@dataclass(slots=True)
class _Repairs:
    """What repairs of one fault in one language on one rung have come to."""

    launched: int = 0
    solved: int = 0
    failed: int = 0
    parked: list[tuple[Prepared, int]] = field(default_factory=list)

    @property
    def may_launch(self) -> bool:
        return self.solved > 0 or self.launched < PROBES

    @property
    def hopeless(self) -> bool:
        return self.solved == 0 and self.failed >= PROBES


class Ladder:
    """Decides of every answer whether it is accepted, climbs a rung, waits, or ends as flagged or failed.

    Keeps the best draft of each segment that is being repaired, so that a person gets it if no rung helps.
    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._drafts: dict[tuple[bytes, str], Outcome] = {}
        self._repairs: dict[tuple[int, str, str], _Repairs] = {}
        self._launched: dict[tuple[bytes, str], _Repairs] = {}
        self._ripe: list[tuple[Prepared, int]] = []

    def judge(
        self, request: Request, item: Prepared, text: str, findings: tuple[Finding, ...], model: str, seconds: float
    ) -> Outcome | None:
        """Return how the segment ends with this answer, or None when an error was found in it."""
        errors = has_error(findings)
        outcome = Outcome(
            key=item.segment.key,
            language_tag=item.segment.language.tag,
            status=Status.TRANSLATED,
            text=text,
            model=model,
            findings=findings,
            seconds=seconds,
            rung=request.rung,
            kind=item.segment.kind,
        )
        if request.rung:
            self._learn(request, item, solved=not errors)
        if not errors:
            if request.rung:
                self._drafts.pop(item.segment.id, None)
            return outcome
        draft = self._drafts.get(item.segment.id)
        if draft is None or _badness(outcome) <= _badness(draft):
            self._drafts[item.segment.id] = outcome
        return None

    def next_rung(self, item: Prepared, rung: int) -> int | None:
        """Return the rung to climb from `rung`, 0 to wait for what the first repairs come to, None at the top."""
        for step in range(rung + 1, TOP_RUNG + 1):
            repairs = self._of(step, item)
            if repairs.hopeless:
                continue
            if repairs.may_launch:
                repairs.launched += 1
                self._launched[item.segment.id] = repairs
                return step
            repairs.parked.append((item, rung))
            return 0
        return None

    def ripe(self) -> list[tuple[Prepared, int]]:
        """Return the segments, each with its rung, whose waiting is over: repairs like theirs came to something."""
        ripe, self._ripe = self._ripe, []
        return ripe

    def faults(self, item: Prepared) -> tuple[str, ...]:
        """Return what to tell the model was wrong with its answer."""
        draft = self._drafts[item.segment.id]
        return tuple(f.message for f in draft.findings if f.severity is Severity.ERROR)

    def has_draft(self, item: Prepared) -> bool:
        """Whether an answer with a fault is kept for this segment."""
        return item.segment.id in self._drafts

    def top(self, item: Prepared) -> Outcome:
        """Return the end of a segment that no rung mended: flagged with its best draft, or failed."""
        draft = self._drafts.pop(item.segment.id)
        none = NOT_A_TRANSLATION | (_ECHO if _is_echo(draft, item) else frozenset())
        worst = next((f for f in draft.findings if f.id in none), None)
        if worst is None:
            return draft
        return draft._replace(status=Status.FAILED, text="", reason=f"No usable translation came back. {worst.message}")

    def unanswered(self, request: Request, item: Prepared) -> None:
        """Take in that a repair brought no answer at all."""
        if request.rung:
            self._learn(request, item, solved=False)

    def impossible(self, item: Prepared) -> None:
        """Take in that the rung an item was to climb does not exist: there is no other model."""
        self._count(item, solved=False)

    def _of(self, rung: int, item: Prepared) -> _Repairs:
        draft = self._drafts[item.segment.id]
        fault = next(f.id for f in draft.findings if f.severity is Severity.ERROR)
        return self._repairs.setdefault((rung, item.segment.language.tag, fault), _Repairs())

    def _learn(self, request: Request, item: Prepared, *, solved: bool) -> None:
        self._emit(Repaired(request.rung, solved))
        self._count(item, solved=solved)

    def _count(self, item: Prepared, *, solved: bool) -> None:
        repairs = self._launched.pop(item.segment.id, None)
        if repairs is None:
            return
        repairs.solved += solved
        repairs.failed += not solved
        if repairs.parked and (repairs.solved or repairs.hopeless):
            self._ripe += repairs.parked
            repairs.parked = []


def _is_echo(draft: Outcome, item: Prepared) -> bool:
    """Tell whether an answer is the English itself; an option, such as a colour, may be the same word in both."""
    return item.segment.kind != "option" and draft.text.strip() == item.segment.source.strip()


def _badness(outcome: Outcome) -> tuple[int, int]:
    ids = [f.id for f in outcome.findings if f.severity is Severity.ERROR]
    return (sum(i in NOT_A_TRANSLATION for i in ids), len(ids))
