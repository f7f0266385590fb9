"""A text is cut once, made ready once and looked up once in a run, however many look at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ketl.catalog import units
from ketl.formats.writing import write_rows
from ketl.memory.memory import Memory, Remembered
from ketl.prompts.brief import Brief
from ketl.results.events import Event, Planned
from ketl.results.outcome import Status
from ketl.runs import recall as recall_module
from ketl.runs.drive import drive
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.runs.selection import select
from ketl.store.store import Store
from tests.fakes import FakeProvider, lanes_for, open_fake, products, run_by_hand

LANGUAGES = ("es", "ja")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Counter[Any]]:
    """How often each product was cut, each segment made ready, fingerprinted and looked up; and how many plans."""
    counts: dict[str, Counter[Any]] = {name: Counter() for name in ("cut", "ready", "print", "look", "plan")}
    cut, ready, fingerprint, look = units.cut_texts, Brief.prepare, Brief.fingerprint, Memory.recall

    def cut_texts(product: Any, fields: Sequence[str]) -> Any:
        counts["cut"][product.id] += 1
        return cut(product, fields)

    def prepare(self: Brief, segment: Any, *more: Any) -> Any:
        if segment.source != "Waterproof, 121g, 5 cm wide.":  # what warms the checks is no text of the run
            counts["ready"][segment.id] += 1
        return ready(self, segment, *more)

    def prints(self: Brief, item: Any) -> str:
        counts["print"][item.segment.id] += 1
        return fingerprint(self, item)

    def recalled(self: Memory, fingerprints: Any) -> Any:
        counts["look"].update([*fingerprints])
        return look(self, fingerprints)

    monkeypatch.setattr(units, "cut_texts", cut_texts)
    monkeypatch.setattr(Brief, "prepare", prepare)
    monkeypatch.setattr(Brief, "fingerprint", prints)
    monkeypatch.setattr(Memory, "recall", recalled)
    return counts


def run(store: Store, provider: FakeProvider, out: Path, counts: Counter[Any] | None = None) -> RunResult:
    async def go() -> RunResult:
        connection = open_fake(provider, lanes_for(provider))
        job = Job(languages=LANGUAGES, glossary="none")
        catalog = products(12, colors=("Black", "Summit"))

        def watch(event: Event) -> None:
            if counts is not None and type(event) is Planned:
                counts["plan"] += 1

        return await drive(
            job, lambda: connection, store, catalog=catalog, watch=watch, write=lambda rows: write_rows(rows, out)
        )

    return run_by_hand(go())


@pytest.mark.parametrize("most_looked_up", [6_000, 0], ids=["before the plan", "while it is fed"])
def test_everything_is_done_once(
    most_looked_up: int,
    store: Store,
    tmp_path: Path,
    counted: dict[str, Counter[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recall_module, "MOST_LOOKED_UP", most_looked_up)
    provider = FakeProvider()
    first = run(store, provider, tmp_path / "first.csv", counted["plan"])
    assert first.report["translated"] == 12 * 5 * 2 and set(provider.asked.values()) == {1}
    assert counted["plan"] == {"plan": 1}
    for name in ("cut", "ready", "print"):
        assert set(counted[name].values()) == {1}, name
    # What was not known is asked for once more when it is claimed: a run beside it may have ended meanwhile.
    assert max(counted["look"].values()) == 2
    for counts in counted.values():
        counts.clear()
    second = run(store, provider, tmp_path / "second.csv")
    assert second.report["from_memory"] == second.report["units"] == 120 and second.report["requests"] == 0
    for name in ("cut", "ready", "print", "look"):
        assert set(counted[name].values()) == {1}, name
    without_times = [
        [line.rsplit(",", 2)[0] for line in (tmp_path / f"{name}.csv").read_text("utf-8-sig").splitlines()[1:]]
        for name in ("first", "second")
    ]
    assert without_times[0] == without_times[1]


def test_more_is_looked_up_at_once_only_while_all_of_it_is_known(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall_module, "MOST_LOOKED_UP", 0)
    looked_up: list[int] = []
    of = recall_module.Recall.of

    def counted_of(self: recall_module.Recall, segments: list[Any], *more: Any) -> Any:
        looked_up.append(len(segments))
        return of(self, segments, *more)

    monkeypatch.setattr(recall_module.Recall, "of", counted_of)
    provider = FakeProvider()

    async def go(count: int) -> RunResult:
        connection = open_fake(provider, lanes_for(provider))
        job = Job(languages=("es",), fields=("name",), glossary="none")
        return await drive(job, lambda: connection, store, catalog=products(count))

    run_by_hand(go(700))
    assert looked_up == [240, 240, 220]  # requests wait for every look, so that none may be long
    looked_up.clear()
    assert run_by_hand(go(1_300)).report["from_memory"] == 700
    assert looked_up == [240, 480, 240, 240, 100]
    looked_up.clear()
    assert run_by_hand(go(1_300)).report["from_memory"] == 1_300
    assert looked_up == [240, 480, 580]


def test_the_plan_that_is_shown_is_the_plan_that_runs(store: Store) -> None:
    provider = FakeProvider()

    async def go() -> tuple[Run, RunResult, int]:
        runs: list[Run] = []
        plans: list[int] = []

        def watch(event: Event) -> None:
            if type(event) is Planned:
                assert runs[0].plan is not None
                plans.append(id(runs[0].plan))

        connection = open_fake(provider, lanes_for(provider))
        result = await drive(
            Job(languages=LANGUAGES, glossary="none"),
            lambda: connection,
            store,
            catalog=products(3),
            watch=watch,
            began=runs.append,
        )
        return runs[0], result, len(set(plans))

    made, result, plans = run_by_hand(go())
    assert plans == 1 and result.plan is made.plan


def test_what_is_remembered_is_not_priced_from_any_door(store: Store, tmp_path: Path) -> None:
    provider = FakeProvider()
    run(store, provider, tmp_path / "first.csv")
    planned: list[Planned] = []

    async def go() -> RunResult:
        connection = open_fake(provider, lanes_for(provider))
        # The whole would cost more than this; what is left costs nothing.
        job = Job(languages=LANGUAGES, glossary="none", max_cost_usd=1e-6)
        return await drive(
            job,
            lambda: connection,
            store,
            catalog=products(12, colors=("Black", "Summit")),
            watch=lambda event: planned.append(event) if type(event) is Planned else None,
        )

    result = run_by_hand(go())
    assert [event.from_memory for event in planned] == [result.plan.segments]
    assert result.plan.requests == 0 and result.report["cost_usd"] == 0.0


def test_what_a_person_wrote_after_the_plan_is_not_sent(store: Store) -> None:
    provider = FakeProvider()

    async def go() -> RunResult:
        connection = open_fake(provider, lanes_for(provider))
        run = Run(select(Job(languages=("es",), glossary="none"), products(2)), connection, store)
        await run.prepare()
        [text] = [t for p in run.selection.cuttings for t in p.texts if t.source == "Summit Jacket model 1"]
        memory = Memory(store, connection.engine)
        memory.remember(
            [
                Remembered(
                    key=text.key,
                    language_tag="es",
                    kind=text.kind,
                    source=text.source,
                    translation="Chaqueta",
                    status=Status.EDITED,
                )
            ]
        )
        return await run.execute()

    result = run_by_hand(go())
    rows = {row.source: row for row in result.rows()}
    assert rows["Summit Jacket model 1"].translation == "Chaqueta"
    assert ("Summit Jacket model 1", "es") not in provider.asked and len(provider.asked) == 5
