"""Before anything is sent: the texts that wait for others, what the memory has, and the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ketl.memory.memory import Memory
from ketl.planning.plan import Goals, RunPlan, make_plan
from ketl.planning.routing import choose_routes
from ketl.provider.lane import Lane
from ketl.provider.protocol import ListedModel
from ketl.results.outcome import Outcome
from ketl.runs.consistency_pass import term_sheet
from ketl.runs.recall import Recall
from ketl.runs.selection import Selection

NOTHING_DONE: Mapping[tuple[bytes, str], Outcome] = {}


class Preparation:
    """A selection got ready: `sheet` says which texts wait for which options, `recall` holds what was looked up.

    `memory` None: earlier translations are not used. `done` are the outcomes of the run that is resumed.
    """

    def __init__(
        self,
        selection: Selection,
        memory: Memory | None,
        done: Mapping[tuple[bytes, str], Outcome] = NOTHING_DONE,
    ) -> None:
        self._selection = selection
        self._done = len(done)
        self.sheet = term_sheet(selection.cuttings, selection.census, selection.languages, selection.brief.glossary)
        for outcome in done.values():
            self.sheet.take(outcome)
        self.recall = Recall(selection, memory, self.sheet, done)

    def look_ahead(self) -> None:
        """Look everything up in the memory, if that takes no longer than it is worth. Raises RunError when it fails."""
        if self.recall.worth_looking_ahead:
            self.recall.look_ahead()

    def plan(self, listed: Sequence[ListedModel], lanes: Mapping[str, Lane], now: float) -> RunPlan:
        """Return the plan, without what `look_ahead` found in the memory.

        `listed` are the models that the provider offers, `now` is in seconds of the lanes' clock. Raises GoalError
        when the job's goals cannot be met.
        """
        chosen = self._selection
        return make_plan(
            chosen.census,
            chosen.languages,
            choose_routes(chosen.languages, listed, chosen.job.routes),
            lanes,
            now,
            pack=chosen.job.pack,
            goals=Goals(deadline_s=chosen.job.deadline_s, max_cost_usd=chosen.job.max_cost_usd),
            from_memory=self.recall.from_memory + self._done,
        )
