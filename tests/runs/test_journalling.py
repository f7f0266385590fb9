"""The journal never costs work: what it refuses is tried again, and what stays unsaved is in the result still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ketl.errors import GoalError, RunError, SettingsError
from ketl.results.events import Answered, JournalHeld, PhaseBegan
from ketl.results.waiting_words import held_in_words
from ketl.runs.drive import drive, take_over
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.store.records import RunStatus
from ketl.store.store import Store
from tests.fakes import FakeProvider, lanes_for, open_fake, products, run_by_hand, selection, translate
from tests.runs.test_drive import driven

UNITS = 60


def slow(call: Any, user: dict[str, Any], number: int) -> float:
    return 1.0 + 0.2 * number


class Refusing:
    """Refuses writes of a journal while `refuses` says so."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, refuses: Callable[[int], bool]) -> None:
        self.tries = 0
        save = store.journal.save_outcomes

        def refusing(*args: Any) -> int:
            self.tries += 1
            if refuses(self.tries):
                raise RunError("The database is locked.")
            return save(*args)

        monkeypatch.setattr(store.journal, "save_outcomes", refusing)


def run(store: Store, provider: FakeProvider, **more: Any) -> RunResult:
    return translate(provider, selection(products(20), "es", mode="sequential"), store=store, **more)


def test_a_journal_that_refuses_for_a_while_gets_all_of_it_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = Refusing(store, monkeypatch, lambda tries: 3 <= tries < 9)
    result = run(store, FakeProvider(seconds=slow))
    assert refusing.tries > 9 and result.unsaved is None and result.status == "finished"
    assert len(list(store.journal.outcomes(result.run_id))) == result.report["translated"] == UNITS


def test_a_journal_that_stays_away_stops_the_run_and_the_rows_are_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Refusing(store, monkeypatch, lambda tries: tries >= 4)
    provider = FakeProvider(seconds=slow)
    result = run(store, provider)
    assert result.unsaved is not None and "60 seconds" in str(result.unsaved)
    assert 0 < result.report["translated"] < UNITS and result.report["cancelled"] > 0
    assert sum(bool(row.translation) for row in result.rows()) == result.report["translated"]
    saved = len(list(store.journal.outcomes(result.run_id)))
    # One request at a time was in flight when the journal first refused.
    assert len(provider.calls) - saved <= 2


def test_what_holds_a_run_back_is_told_once_and_that_it_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    Refusing(store, monkeypatch, lambda tries: 3 <= tries < 9)
    told: list[JournalHeld] = []
    result = run(store, FakeProvider(seconds=slow), watch=lambda e: told.append(e) if type(e) is JournalHeld else None)
    assert told == [JournalHeld("The database is locked.", 60.0), JournalHeld("", 60.0)]
    assert result.tally.journal_held is None
    assert "The database is locked. Nothing more is sent" in held_in_words(told[0].reason, told[0].patience_s)


def test_whoever_ends_a_run_does_not_wait_for_a_database_that_refuses(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Refusing(store, monkeypatch, lambda tries: tries >= 3)

    held = asyncio.Event()

    async def end_it(running: Run) -> None:
        await held.wait()
        running.cancel()

    def watch(event: object) -> None:
        if isinstance(event, JournalHeld):
            held.set()

    result = run(store, FakeProvider(seconds=slow), watch=watch, meddle=end_it)
    assert result.report["total_s"] < 10.0 and result.unsaved is not None
    assert result.report["translated"] > 0 and "could not be written when the run was ended" in str(result.unsaved)


@pytest.mark.parametrize("part", ["route_stats.add", "journal.finish_run"])
def test_a_refusal_at_the_very_end_costs_no_row(store: Store, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    where, _, name = part.partition(".")

    def refuses(*args: Any) -> None:
        raise RunError("The disk is full.")

    monkeypatch.setattr(getattr(store, where), name, refuses)
    result = run(store, FakeProvider())
    assert result.unsaved is not None and "disk is full" in str(result.unsaved)
    assert result.report["translated"] == UNITS and all(row.translation for row in result.rows())


def test_a_run_that_was_taken_over_writes_nothing_more(store: Store) -> None:
    taken = False

    def watch(event: Any) -> None:
        nonlocal taken
        if type(event) is Answered and not taken:
            taken = True
            clock, store.database.clock = store.database.clock, lambda: 4e9
            store.journal.resume_run(store.journal.runs()[0].run_id)
            store.database.clock = clock

    result = run(store, FakeProvider(seconds=slow), watch=watch)
    assert taken and result.unsaved is not None and "taken over by another process" in str(result.unsaved)
    record = store.journal.run(result.run_id)
    assert list(store.journal.outcomes(result.run_id)) == [] and record is not None and record.finished_at is None


def test_a_living_run_is_never_called_interrupted(store: Store) -> None:
    now, seen = [0.0], set()

    def watch(event: Any) -> None:
        now[0] = asyncio.get_running_loop().time()
        if type(event) is Answered or type(event) is PhaseBegan:
            seen.update(record.status for record in store.journal.runs())

    store.database.clock = lambda: now[0]
    provider = FakeProvider(seconds=lambda call, user, number: 12.0)
    result = translate(
        provider, selection(products(5), "es", mode="compare", baseline="measured"), store=store, watch=watch
    )
    assert result.report["baseline"]["seconds"] > 100 and seen == {RunStatus.RUNNING}


def test_a_resume_that_fails_leaves_the_run_as_it_was(store: Store) -> None:
    result = run(store, FakeProvider())
    before = store.journal.run(result.run_id)
    earlier = take_over(store, result.run_id)

    def unreachable() -> Any:
        raise RunError("Nobody answers.")

    with pytest.raises(RunError, match="Nobody answers"):
        run_by_hand(drive(earlier.job, unreachable, store, selection=result.selection, earlier=earlier))
    assert store.journal.run(result.run_id) == before


def test_a_resume_whose_plan_meets_no_goal_leaves_the_run_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(store, FakeProvider())
    before = store.journal.run(result.run_id)
    earlier = take_over(store, result.run_id)

    async def impossible(_: Run) -> Any:
        raise GoalError("No plan is so cheap.")

    monkeypatch.setattr(Run, "prepare", impossible)
    with pytest.raises(GoalError, match="so cheap"):
        driven(FakeProvider(), store, job=earlier.job, selection=result.selection, earlier=earlier)
    assert store.journal.run(result.run_id) == before


def test_of_two_who_resume_what_both_saw_one_wins(store: Store) -> None:
    result = run(store, FakeProvider())
    first, second = take_over(store, result.run_id), take_over(store, result.run_id)
    store.journal.resume_run(result.run_id, first.seen)
    provider = FakeProvider()
    with pytest.raises(SettingsError, match="still going"):
        driven(provider, store, job=second.job, selection=result.selection, earlier=second)
    assert provider.calls == []


def test_a_job_is_kept_with_paths_that_hold_from_every_folder(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    from ketl.runs.job import with_absolute_paths

    job = with_absolute_paths(Job(catalog="a.json", glossary="none", plan="my.json"))
    assert (job.catalog, job.glossary, job.plan) == (
        str(Path("a.json").absolute()),
        "none",
        str(Path("my.json").absolute()),
    )
    plain = with_absolute_paths(Job())
    assert (plain.catalog, plain.glossary, plain.plan) == (None, None, "auto")


def test_the_deadline_of_a_run_that_has_ended_is_forgotten(store: Store) -> None:
    async def left() -> list[float]:
        provider = FakeProvider()
        chosen = selection(products(1), "es", deadline_s=5_000.0)
        await Run(chosen, open_fake(provider, lanes_for(provider)), store).execute()
        loop: Any = asyncio.get_running_loop()
        return [timer.when() for timer in loop._scheduled if not timer.cancelled()]

    assert all(when < 5_000 for when in run_by_hand(left()))
