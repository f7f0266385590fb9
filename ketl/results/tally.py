"""Folds a run's events while they happen: counts, seconds, tokens, dollars, by model and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ketl.checks.base import has_error
from ketl.results.baseline import LaneUse
from ketl.results.catalog_change import CatalogChanged
from ketl.results.crowd import Crowd, Shown, work_of
from ketl.results.events import (
    Admitted,
    Answered,
    Ended,
    Event,
    JournalHeld,
    LaneClosed,
    LimitReached,
    LimitWaited,
    PhaseBegan,
    Repaired,
    ServedAtOnce,
    Substituted,
)
from ketl.results.outcome import Outcome, Status
from ketl.results.route_stats import RouteStats

TIMELINE_MOST = 5_000


@dataclass(slots=True)
class ModelTally:
    """What one model did in a run."""

    requests: int = 0
    attempts: int = 0
    answered: int = 0
    status_counts: Counter[str] = field(default_factory=Counter)
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    busy_s: float = 0.0
    waited_s: float = 0.0
    shortest_s: float = float("inf")
    longest_s: float = 0.0
    raw_s: float = 0.0
    said_s: float = 0.0
    queued_s: float = 0.0
    said: int = 0
    longest_said_s: float = 0.0
    crowd: Crowd = field(default_factory=Crowd)

    @property
    def all_said_s(self) -> float | None:
        """The sum of the provider's own times of the answers, None unless every answer had one."""
        return self.said_s if self.said == self.answered else None

    def work_s(self, shown: Shown) -> float | None:
        """Return the seconds of work in its answers, None where that is unknown."""
        return work_of(shown, self.crowd, said_s=self.all_said_s, queued_s=self.queued_s, raw_s=self.raw_s)


@dataclass(slots=True)
class RouteTally:
    """What one model did for one language and field kind in a run."""

    answers: int = 0
    passed: int = 0
    repaired: int = 0
    failed: int = 0
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Take one segment's end in."""
        good = outcome.status is Status.TRANSLATED and not has_error(outcome.findings)
        self.answers += 1
        self.passed += good and not outcome.rung
        self.repaired += good and outcome.rung > 0
        self.failed += not good
        self.seconds += outcome.seconds or 0.0


class Tally:
    """The fold over one run's events; cheap enough to be read while the run goes on.

    `timeline` holds the attempts' `Answered` events, the first 5,000 of them; `untold` counts those whose cost nobody
    told, `told_usd` adds up that of the others. Only the first phase of a comparison is counted; the baseline's own
    attempts are not the run's.
    """

    def __init__(self) -> None:
        self.models: dict[str, ModelTally] = {}
        self.timeline: list[Answered] = []
        self.substitutions: list[Substituted] = []
        self.catalog_changed: CatalogChanged | None = None
        self.findings: Counter[str] = Counter()
        self.segments: Counter[str] = Counter()
        self.from_memory = 0
        self.requests = 0
        self.rungs: Counter[tuple[int, bool]] = Counter()
        self.first_result_s: float | None = None
        self.told_usd = 0.0
        self.untold = 0
        self.repair_cost_usd = 0.0
        self.hedges = 0
        self.given_up = 0
        self.given_up_usd: float | None = 0.0
        self.limit: LimitReached | None = None
        self.closed: dict[str, LaneClosed] = {}
        self.journal_held: JournalHeld | None = None
        self.refusals = 0
        self.crowd = Crowd()
        self.served: dict[str, ServedAtOnce] = {}
        self.predicted_service_s = 0.0
        self.routes: dict[tuple[str, str, str], RouteTally] = {}
        self.spent: dict[tuple[str, str], tuple[int, float]] = {}
        self.phase = ""
        self._counting = True

    @property
    def cost_usd(self) -> float | None:
        """What all answers cost, None where some did not tell it."""
        return None if self.untold else self.told_usd

    @property
    def attempts(self) -> int:
        """How many attempts were made."""
        return sum(model.attempts for model in self.models.values())

    def add(self, event: Event) -> None:
        """Take one event in."""
        if type(event) is Ended:  # nearly all events of a large run, so it is asked first
            if self._counting:
                self._ended(event)
            return
        match event:
            case PhaseBegan():
                self.phase = event.phase
                self._counting = event.phase != "baseline"
            case JournalHeld():
                self.journal_held = event if event.reason else None
            case _ if not self._counting:
                return
            case Admitted():
                self.requests += event.first
                model = self._model(event.model)
                model.requests += event.new_here
                model.crowd.step(event.at_s, 1)
                self.crowd.step(event.at_s, 1)
            case Answered():
                self._answered(event)
            case LimitReached():
                self.limit = event
                self.refusals += event.refused and event.kind != "CAPACITY"  # which is no limit of the account's
            case LimitWaited():
                self._model(event.model).waited_s += event.seconds
                self.limit = None
            case LaneClosed():
                self.closed[event.model] = event
            case Substituted():
                self.substitutions.append(event)
            case CatalogChanged():
                self.catalog_changed = event
            case ServedAtOnce():
                self.served[event.model] = event
            case Repaired():
                self.rungs[event.rung, event.solved] += 1

    def _model(self, name: str) -> ModelTally:
        tally = self.models.get(name)
        if tally is None:
            tally = self.models[name] = ModelTally()
        return tally

    def _answered(self, event: Answered) -> None:
        model = self._model(event.model)
        prompt, completion, cached = event.tokens
        model.attempts += 1
        model.status_counts[event.status] += 1
        model.prompt += prompt
        model.completion += completion
        model.cached += cached
        model.busy_s += event.seconds
        ended_s = event.start_s + event.seconds
        model.crowd.step(ended_s, -1)
        self.crowd.step(ended_s, -1)
        if event.status == "200":
            self.closed.pop(event.model, None)
            if self.limit is not None and self.limit.refused and self.limit.model == event.model:
                self.limit = None
            model.answered += 1
            model.shortest_s = min(model.shortest_s, event.seconds)
            model.longest_s = max(model.longest_s, event.seconds)
            model.raw_s += event.seconds
            if event.service_s is not None:
                model.said += 1
                model.said_s += event.service_s
                model.queued_s += event.queue_s
                model.longest_said_s = max(model.longest_said_s, event.service_s)
            self.predicted_service_s += event.predicted_s
        if event.cost_usd is None:
            self.untold += 1
        else:
            self.told_usd += event.cost_usd
            if event.kind == "repair":
                self.repair_cost_usd += event.cost_usd
        self.hedges += event.kind == "hedge"
        self.given_up += event.given_up
        if event.given_up and self.given_up_usd is not None:
            self.given_up_usd = None if event.possible_usd is None else self.given_up_usd + event.possible_usd
        before = self.spent.get((event.language_tag, event.model), (0, 0.0))
        self.spent[event.language_tag, event.model] = (
            before[0] + prompt + completion,
            before[1] + (event.cost_usd or 0.0),
        )
        if len(self.timeline) < TIMELINE_MOST:
            self.timeline.append(event)

    def _ended(self, event: Ended) -> None:
        outcome = event.outcome
        self.segments[outcome.status] += 1
        self.from_memory += outcome.from_memory
        if self.first_result_s is None and outcome.status is Status.TRANSLATED:
            self.first_result_s = event.at_s
        for finding in outcome.findings:
            self.findings[finding.id] += 1
        if outcome.model and not outcome.from_memory:
            key = (outcome.language_tag, outcome.kind, outcome.model)
            route = self.routes.get(key)
            if route is None:
                route = self.routes[key] = RouteTally()
            route.add(outcome)

    def route_stats(self, engine: str) -> list[RouteStats]:
        """Return what this run says of each model by language and field kind, for the store to add up.

        Tokens and dollars are spread evenly over a model's answers in one language: packs mix kinds.
        """
        answers: Counter[tuple[str, str]] = Counter()
        for (tag, _, model), route in self.routes.items():
            answers[tag, model] += route.answers
        stats = []
        for (tag, kind, model), route in self.routes.items():
            tokens, cost = self.spent.get((tag, model), (0, 0.0))
            part = route.answers / max(1, answers[tag, model])
            stats.append(
                RouteStats(
                    engine=engine,
                    language_tag=tag,
                    kind=kind,
                    model=model,
                    answers=route.answers,
                    passed=route.passed,
                    repaired=route.repaired,
                    failed=route.failed,
                    seconds_sum=route.seconds,
                    tokens=round(tokens * part),
                    cost_usd=cost * part,
                )
            )
        return stats

    def work_s(self, shown: Mapping[str, Shown]) -> float | None:
        """Return what the answered requests would take one after another, in seconds; None where that is unknown.

        `shown` is what each model's answers show of its server. Where one queue serves all models and not every
        answer came with the provider's own time, the work at its end is that of all of them.
        """
        answered = {name: model for name, model in self.models.items() if model.answered}
        queue = next((shown[name] for name in answered if name in shown and shown[name].whole), None)
        if queue is not None and any(model.all_said_s is None for model in answered.values()):
            return work_of(queue, self.crowd, said_s=None, queued_s=0.0, raw_s=0.0)
        work = [model.work_s(shown.get(name, Shown())) for name, model in answered.items()]
        known = [seconds for seconds in work if seconds is not None]
        return sum(known) if len(known) == len(work) else None

    def lane_uses(
        self, limits: Mapping[str, list[tuple[str, float, float]]], shown: Mapping[str, Shown]
    ) -> dict[str, LaneUse]:
        """Return what was taken from each lane, given the limits each had when the run began and what is shown."""
        return {
            name: LaneUse(
                requests=model.answered,
                tokens=model.prompt + model.completion,
                completion_tokens=model.completion,
                shortest_s=model.shortest_s,
                longest_s=self._longest_s(model, shown.get(name, Shown()), shown),
                limits=limits.get(name, []),
            )
            for name, model in self.models.items()
            if model.answered
        }

    def _longest_s(self, model: ModelTally, own: Shown, shown: Mapping[str, Shown]) -> float:
        longest_s = model.longest_s if model.all_said_s is None else model.longest_said_s
        if own.at_once is None:
            return longest_s
        work_s = self.work_s(shown) if own.whole else model.work_s(own)
        if work_s is None:
            return longest_s
        return max(model.longest_said_s, work_s / own.at_once)
