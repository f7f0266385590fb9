"""Runs and their outcomes outlive the process that wrote them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from ketl.checks.base import Finding, Severity
from ketl.errors import RunError, SelectionError, SettingsError
from ketl.results.outcome import Outcome, Status
from ketl.results.route_stats import RouteStats
from ketl.store.journal import Journal
from ketl.store.records import RunRecord, RunStatus
from ketl.store.store import Store
from ketl.store.tables import OUTCOMES, RUNS
from tests.store.conftest import Clock
from tests.strategies import outcomes

DONE = Outcome(
    key=b"hoodie-12345",
    language_tag="es",
    status=Status.TRANSLATED,
    text="Sudadera Sunshirk",
    model="llama-3.3-70b-versatile",
    findings=(Finding("length-ratio", Severity.WARNING, "Much shorter than the English."),),
    seconds=0.41,
    rung=1,
)


def start(store: Store, run_id: str = "run-1") -> None:
    store.journal.start_run(run_id, engine="demo", mode="parallel", spec={"languages": ["es"]}, counts={"units": 3})


def test_a_run_is_journalled_from_start_to_report(store: Store, clock: Clock) -> None:
    start(store)
    clock.now += 5
    store.journal.heartbeat("run-1", {"units": 3, "translated": 2})
    running = store.journal.run("run-1")
    assert running is not None and running.status is RunStatus.RUNNING and running.finished_at is None
    clock.now += 5
    store.journal.finish_run("run-1", "finished", {"makespan_s": 10.0}, {"units": 3, "translated": 3})
    ended = store.journal.run("run-1")
    assert ended is not None
    assert (ended.status, ended.report, ended.counts["translated"]) == (RunStatus.FINISHED, {"makespan_s": 10.0}, 3)
    assert (ended.spec, ended.finished_at) == ({"languages": ["es"]}, ended.started_at + 10)


def test_runs_are_listed_newest_first(store: Store, clock: Clock) -> None:
    for number in range(3):
        start(store, f"run-{number}")
        clock.now += 1
    assert [run.run_id for run in store.journal.runs(2)] == ["run-2", "run-1"]
    assert store.journal.run("run-9") is None


def test_a_run_without_a_heartbeat_is_interrupted(store: Store, clock: Clock) -> None:
    start(store)
    clock.now += 31
    assert store.journal.runs()[0].status is RunStatus.INTERRUPTED
    store.journal.save_outcomes("run-1", [DONE])
    assert store.journal.runs()[0].status is RunStatus.RUNNING


def test_a_run_whose_process_was_killed_is_interrupted_at_once_and_can_be_resumed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ketl.sqlite3'}"
    script = (
        "import sys; from ketl.store.store import Store; s = Store(sys.argv[1]); "
        "s.journal.start_run('run-1', engine='demo', mode='parallel', spec={}, counts={}); print('ready', flush=True); "
        "sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        with Store(url) as store:
            assert store.journal.runs()[0].status is RunStatus.RUNNING
            with pytest.raises(SettingsError, match="still going"):
                store.journal.resume_run("run-1")
            child.kill()
            child.wait()
            assert store.journal.runs()[0].status is RunStatus.INTERRUPTED
            assert store.journal.resume_run("run-1").status is RunStatus.INTERRUPTED
            assert store.journal.runs()[0].status is RunStatus.RUNNING
    finally:
        child.kill()
        child.communicate()


def test_a_finished_run_can_be_resumed_and_an_unknown_one_is_named(store: Store) -> None:
    start(store)
    store.journal.finish_run("run-1", RunStatus.CANCELLED)
    assert store.journal.resume_run("run-1").status is RunStatus.CANCELLED
    with pytest.raises(SelectionError, match="no run “run-l”. Did you mean run-1"):
        store.journal.resume_run("run-l")


def test_of_two_that_resume_at_the_same_moment_one_is_refused(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(store)
    clock.now += 31
    read = store.journal._record
    others: list[RunRecord] = []

    def overtaken(row: object) -> RunRecord:
        record = read(row)
        if not others:
            others.append(Journal(store.database).resume_run("run-1"))
        return record

    monkeypatch.setattr(store.journal, "_record", overtaken)
    with pytest.raises(SettingsError, match="still going"):
        store.journal.resume_run("run-1")
    assert [record.status for record in others] == [RunStatus.INTERRUPTED]


def test_a_resumed_run_keeps_its_start_and_its_outcomes(store: Store, clock: Clock) -> None:
    start(store)
    store.journal.save_outcomes("run-1", [DONE])
    began = store.journal.runs()[0].started_at
    store.journal.finish_run("run-1", RunStatus.FAILED, {"failed": 1})
    clock.now += 100
    store.journal.resume_run("run-1")
    [record] = store.journal.runs()
    assert (record.status, record.started_at, record.finished_at) == (RunStatus.RUNNING, began, None)
    assert (record.spec, record.counts) == ({"languages": ["es"]}, {"units": 3})
    assert list(store.journal.outcomes("run-1")) == [DONE]


def test_what_has_a_translation_is_done_whoever_wrote_it(store: Store) -> None:
    start(store)
    ends = [DONE._replace(key=bytes([n]) * 12, status=status) for n, status in enumerate(Status)]
    store.journal.save_outcomes("run-1", ends)
    assert {o.status for o in store.journal.done_before("run-1").values()} == {
        Status.TRANSLATED,
        Status.EDITED,
        Status.APPROVED,
    }
    assert all(key == (o.key, "es") for key, o in store.journal.done_before("run-1").items())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(outcomes(), max_size=5, unique_by=lambda outcome: (outcome.key, outcome.language_tag)))
def test_outcomes_come_back_as_they_were_in_order(store: Store, written: list[Outcome]) -> None:
    start(store)
    with store.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM outcomes")
    assert store.journal.save_outcomes("run-1", written) == len(written)
    assert list(store.journal.outcomes("run-1")) == written
    assert store.journal.find_outcomes("run-1", [(o.key, o.language_tag) for o in written]) == {
        (o.key, o.language_tag): o for o in written
    }


def test_a_later_outcome_replaces_an_earlier_one_of_the_same_run_only(store: Store) -> None:
    start(store)
    start(store, "run-2")
    store.journal.save_outcomes("run-1", [DONE._replace(status=Status.FAILED, text="", reason="No answer."), DONE])
    store.journal.save_outcomes("run-2", [DONE._replace(text="otra")])
    assert list(store.journal.outcomes("run-1")) == [DONE]
    assert store.journal.find_outcomes("run-1", [(DONE.key, "fr")]) == {}


def test_texts_that_no_database_takes_are_cleaned_not_fatal(store: Store) -> None:
    start(store)
    store.journal.save_outcomes(
        "run-1", [DONE._replace(text="a\x00b\ud800", findings=(Finding("x", Severity.INFO, "\udfff"),))]
    )
    assert next(store.journal.outcomes("run-1")).text == "ab\ufffd"


def test_more_outcomes_than_one_page_come_back_whole(store: Store) -> None:
    start(store)
    many = [DONE._replace(key=number.to_bytes(12, "big")) for number in range(2_345)]
    store.journal.save_outcomes("run-1", iter(many))
    assert [outcome.key for outcome in store.journal.outcomes("run-1")] == [outcome.key for outcome in many]
    assert len(store.journal.find_outcomes("run-1", [(outcome.key, "es") for outcome in many])) == 2_345


def test_threads_write_at_the_same_time_and_lose_nothing(store: Store) -> None:
    start(store)

    def write(first: int) -> None:
        for number in range(first, first + 50):
            store.journal.save_outcomes("run-1", [DONE._replace(key=number.to_bytes(12, "big"))])
            store.route_stats.add([RouteStats(engine="demo", language_tag="es", kind="title", model="m", answers=1)])

    threads = [threading.Thread(target=write, args=(1000 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(1 for _ in store.journal.outcomes("run-1")) == 200
    assert store.route_stats.all()[0].answers == 200


def test_in_one_batch_the_later_outcome_of_a_segment_wins_and_none_is_lost(store: Store) -> None:
    start(store)
    first = [DONE._replace(key=b"%012d" % number, text="first") for number in range(350)]
    second = [outcome._replace(text="second") for outcome in first[::3]]
    store.journal.save_outcomes("run-1", [*first, *second, *second])
    kept = {outcome.key: outcome.text for outcome in store.journal.outcomes("run-1")}
    assert kept == {o.key: "first" if number % 3 else "second" for number, o in enumerate(first)}


@pytest.mark.parametrize(
    ("column", "value"),
    [("status", "paused"), ("spec", "{"), ("spec", "[]"), ("counts", "null"), ("report", "{half")],
)
def test_a_run_that_cannot_be_read_is_listed_as_such_and_not_resumed(store: Store, column: str, value: str) -> None:
    start(store)
    start(store, "run-2")
    with store.database.transaction() as connection:
        connection.execute(update(RUNS).where(RUNS.c.run_id == "run-1").values({column: value}))
    assert {run.run_id: run.status for run in store.journal.runs()} == {
        "run-1": RunStatus.UNKNOWN,
        "run-2": RunStatus.RUNNING,
    }
    with pytest.raises(SettingsError, match="“run-1” cannot be read: another version wrote it, or it is damaged"):
        store.journal.resumable("run-1")


@pytest.mark.parametrize(
    ("column", "value"),
    [("status", "pending"), ("findings", "[[1]]"), ("findings", "{"), ("findings", '[["a","b","c"]]')],
)
def test_an_outcome_that_cannot_be_read_is_a_sentence(store: Store, column: str, value: str) -> None:
    start(store)
    store.journal.save_outcomes("run-1", [DONE])
    with store.database.transaction() as connection:
        connection.execute(update(OUTCOMES).values({column: value}))
    for read in (
        lambda: list(store.journal.outcomes("run-1")),
        lambda: store.journal.find_outcomes("run-1", [(DONE.key, "es")]),
    ):
        with pytest.raises(RunError, match="another version wrote it, or it is damaged"):
            read()
