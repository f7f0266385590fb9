"""What becomes of a run's texts once an answer is there: accepted, repaired, asked for again, or ended as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ketl.checks.base import Finding
from ketl.engine.backlog import Backlog
from ketl.engine.lane_routes import LaneRoutes
from ketl.engine.ports import Asking
from ketl.engine.repair_ladder import Ladder
from ketl.engine.request import Moved, Request
from ketl.logs import get_logger
from ketl.prompts.brief import Brief
from ketl.prompts.prepared import Prepared
from ketl.prompts.replies import Parsed
from ketl.provider.lane import Lane
from ketl.results.events import Ended, Event
from ketl.results.outcome import Outcome, Status

logger = get_logger(__name__)

# The finished text of an answer with its findings, or what a check stumbled over.
Grade = tuple[str, tuple[Finding, ...]] | Exception

_LEFT_OUT_TRIES = 3
_WHY_NEXT = "Some texts: the answers of {} left them out or did not pass the checks"
_LEFT_OUT = "The models left this text out of their answers several times. Run it again, or shorten it."


class Answers:
    """Judges the answers of one run; `ask` queues what has to be asked for once more, `emit` takes the ends.

    `started` is the loop's time at which the run began, `run_id` its number for the log.
    """

    def __init__(
        self,
        brief: Brief,
        routes: LaneRoutes,
        backlog: Backlog,
        *,
        ask: Asking,
        emit: Callable[[Event], None],
        started: float,
        run_id: str,
    ) -> None:
        self._brief = brief
        self._routes = routes
        self._backlog = backlog
        self._ask = ask
        self._emit = emit
        self._started = started
        self._run_id = run_id
        self._ladder = Ladder(emit)

    def grade(self, request: Request, parsed: Parsed) -> dict[str, Grade]:
        """Return the judgement of each text of an answer by its key; may be called from any thread."""
        grades: dict[str, Grade] = {}
        for key, item in zip(request.keys, request.items, strict=True):
            answer = parsed.texts.get(key)
            if answer is None:
                continue
            try:
                grades[key] = self._brief.judge.grade(item, answer)
            except Exception as fault:  # a bug of one check on one odd text costs that text, not the pack
                logger.exception("run %s request %s: a check failed on one text", self._run_id, request.number)
                grades[key] = fault
        return grades

    def take(
        self, request: Request, parsed: Parsed, grades: Mapping[str, Grade], lane: Lane, seconds: float, now: float
    ) -> None:
        """Take the judged texts of an answer in; accept, repair, or ask again for what is missing."""
        left_out: list[Prepared] = []
        repairs: list[tuple[Prepared, int]] = []
        for key, item in zip(request.keys, request.items, strict=True):
            grade = grades.get(key)
            if grade is None:
                left_out.append(item)
                continue
            if isinstance(grade, Exception):
                reason = f"The checks stumbled over this text ({type(grade).__name__}). Run it again, or report it."
                self._end(_failed(item, reason, lane.model.id), now)
                continue
            text, findings = grade
            outcome = self._ladder.judge(request, item, text, findings, lane.model.id, seconds)
            if outcome is None:
                repairs.append((item, request.rung))
            else:
                self._end(outcome, now)
        if left_out:
            self._ask_again(request, left_out, lane, now, cut_off=parsed.cut_off)
        self._climb(repairs, request.group, lane, now)
        self._climb_ripe(now)

    def give_up(self, request: Request, reason: str, model: str, now: float) -> None:
        """End every segment of a request: with its best draft, else as failed with the reason in words."""
        for item in request.items:
            self._ladder.unanswered(request, item)
            self._end_unanswered(item, reason, model, now)
        self._climb_ripe(now)

    def _ask_again(self, request: Request, left_out: list[Prepared], lane: Lane, now: float, *, cut_off: bool) -> None:
        tries = request.tries + 1
        if tries > 2 * _LEFT_OUT_TRIES:
            for item in left_out:
                self._ladder.unanswered(request, item)
                self._end_unanswered(item, _LEFT_OUT, lane.model.id, now)
            return
        target = request.lane
        if tries >= _LEFT_OUT_TRIES:
            target = self._routes.after(request.group, lane, now) or target
        # Fewer at a time, since what broke a pack may be its length.
        half = max(1, (len(left_out) + 1) // 2) if len(left_out) == len(request.items) else len(left_out)
        for start in range(0, len(left_out), half):
            self._ask(
                left_out[start : start + half],
                rung=request.rung,
                faults=request.faults,
                tries=tries,
                ceiling_factor=request.ceiling_factor * 2.0 if cut_off else request.ceiling_factor,
                lane=target,
                moved=request.moved if target is None else _moved(lane),
            )

    def _climb(self, items: Sequence[tuple[Prepared, int]], group: str, lane: Lane, now: float) -> None:
        """Send items with a fault up a rung of the repair ladder, those of one rung in one request."""
        by_rung: dict[int, list[Prepared]] = {}
        for item, rung in items:
            step = None if self._backlog.stopped is not None else self._ladder.next_rung(item, rung)
            if step is None:
                self._end(self._ladder.top(item), now)
            elif step == 0:
                self._backlog.begin()
            else:
                by_rung.setdefault(step, []).append(item)
        for step, climbing in by_rung.items():
            target = lane if step == 1 else self._routes.after(group, lane, now)
            if target is None or target.gone is not None:
                for item in climbing:
                    self._ladder.impossible(item)
                    self._end(self._ladder.top(item), now)
                continue
            faults = {item.segment.key: self._ladder.faults(item) for item in climbing}
            self._ask(climbing, rung=step, faults=faults, lane=target, moved=_moved(lane))

    def _climb_ripe(self, now: float) -> None:
        """Send on those that waited for what the first repairs came to."""
        while ripe := self._ladder.ripe():
            for item, rung in ripe:
                group = item.segment.language.group
                lanes = self._routes.serving(group, now)
                if lanes:
                    self._climb([(item, rung)], group, lanes[0], now)
                else:
                    self._end(self._ladder.top(item), now)
                self._backlog.end()

    def _end_unanswered(self, item: Prepared, reason: str, model: str, now: float) -> None:
        drafted = self._ladder.has_draft(item)
        self._end(self._ladder.top(item) if drafted else _failed(item, reason, model), now)

    def _end(self, outcome: Outcome, now: float) -> None:
        self._emit(Ended(outcome, now - self._started))


def _moved(lane: Lane) -> Moved:
    return Moved(lane, "answers", _WHY_NEXT.format(lane.model.id), whole=False)


def _failed(item: Prepared, reason: str, model: str) -> Outcome:
    segment = item.segment
    return Outcome(
        key=segment.key,
        language_tag=segment.language.tag,
        status=Status.FAILED,
        reason=reason,
        model=model,
        kind=segment.kind,
    )
