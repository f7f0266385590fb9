"""A real database that is locked, full or restarted in the middle of a run costs no work and asks for nothing twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ketl.errors import SettingsError
from ketl.runs.drive import take_over
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.store.records import RunStatus
from ketl.store.store import Store
from tests.fakes import FakeProvider, lanes_for, open_fake, products, run_by_hand, selection, translate
from tests.runs.test_drive import driven
from tests.store.postgres import Cluster

UNITS = 60
LOCK = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def run(store: Store, provider: FakeProvider, **more: Any) -> RunResult:
    return translate(provider, selection(products(20), "es", mode="sequential", pack=1), store=store, **more)


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """Let another process hold the database as long as the context lasts."""
    words = [sys.executable, "-c", LOCK, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        yield


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database file of which a refusal comes soon."""
    monkeypatch.setattr("ketl.store.database._BUSY_S", 0.05)
    yield tmp_path / "ketl.sqlite3"


def test_a_file_that_another_process_holds_for_a_while_gets_all_of_it_later(file: Path) -> None:
    provider = FakeProvider(seconds=lambda *_: 1.0)
    with Store(f"sqlite:///{file}") as store:

        async def meddle(running: Run) -> None:
            await asyncio.sleep(10.0)
            with held_by_another(file):
                await asyncio.sleep(45.0)
                assert running.tally.journal_held is not None

        result = run(store, provider, meddle=meddle)
        assert result.unsaved is None and result.report["translated"] == UNITS == len(provider.calls)
        # Nothing was sent while it was held: one call a second is a minute, and 45 seconds stood still.
        assert result.report["makespan_s"] > 100.0
        assert len(list(store.journal.outcomes(result.run_id))) == UNITS
        record = store.journal.run(result.run_id)
        assert record is not None and record.status is RunStatus.FINISHED


def test_a_full_disk_costs_no_row_and_the_rest_is_all_that_is_sent_again(file: Path) -> None:
    most_pages = [0]
    with Store(f"sqlite:///{file}") as store:

        @event.listens_for(store.database._engine, "checkout")
        def bound(connection: Any, *_: Any) -> None:
            connection.execute(f"PRAGMA max_page_count = {most_pages[0] or 1_000_000}")

        async def meddle(running: Run) -> None:
            await asyncio.sleep(20.0)
            most_pages[0] = 1  # SQLite takes the present size for it

        provider = FakeProvider(seconds=lambda *_: 1.0)
        chosen = selection(products(400), "es", mode="sequential", pack=1)
        written: list[Any] = []

        async def go() -> RunResult:
            running = Run(chosen, open_fake(provider, lanes_for(provider)), store, write=written.extend)
            beside = asyncio.ensure_future(meddle(running))
            made = await running.execute()
            await beside
            return made

        result = run_by_hand(go())
        assert result.unsaved is not None and "full" in str(result.unsaved)
        done = result.report["translated"]
        assert 20 < done < 1_200 and len(provider.calls) <= done + 1
        assert sum(row.status == "translated" for row in written) == done
        most_pages[0] = 0
        saved = len(list(store.journal.outcomes(result.run_id)))
        assert done - saved <= 2  # sending stopped at the first refusal; one request was in flight
        store.database.clock = lambda: (
            time.time() + 60.0
        )  # the run could not say that it had ended: its lease must run out
        earlier, again = take_over(store, result.run_id), FakeProvider()
        finished = driven(again, store, job=earlier.job, selection=chosen, earlier=earlier)
        assert finished.report["translated"] == 1_200 and len(again.calls) == 1_200 - saved


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_postgresql_that_is_restarted_costs_nothing(cluster: Cluster, mode: str) -> None:
    provider = FakeProvider(seconds=lambda *_: 1.0)
    with Store(cluster.create("restarted")) as store:

        async def meddle(running: Run) -> None:
            await asyncio.sleep(10.0)
            cluster.stop(mode)
            try:
                await asyncio.sleep(20.0)
                assert running.tally.journal_held is not None
            finally:
                cluster.start()

        result = run(store, provider, meddle=meddle)
        assert result.unsaved is None and result.report["translated"] == UNITS == len(provider.calls)
        assert len(list(store.journal.outcomes(result.run_id))) == UNITS


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_many_who_resume_at_once_one_wins(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'ketl.sqlite3'}"
    if kind == "postgresql":
        url = request.getfixturevalue("cluster").create("resumers")
    with Store(url) as store:
        store.journal.start_run("r", engine="demo", mode="parallel", spec={}, counts={})
        store.journal.finish_run("r", RunStatus.CANCELLED)
    count = 6
    barrier, won, lost = threading.Barrier(count), [], []

    def resumer() -> None:
        with Store(url) as own:
            seen = own.journal.resumable("r")
            barrier.wait(30)
            try:
                own.journal.resume_run("r", seen)
                won.append(own.journal.lease("r"))
            except SettingsError as error:
                lost.append(str(error))

    threads = [threading.Thread(target=resumer) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1 and len(lost) == count - 1 and all("still going" in said for said in lost)
    with Store(url) as store:
        record = store.journal.run("r")
        assert record is not None and record.owner == won[0] and record.status is RunStatus.RUNNING


def test_a_process_that_stood_still_for_longer_than_its_lease_finds_out_before_it_writes(file: Path) -> None:
    provider = FakeProvider(seconds=lambda *_: 1.0)
    with Store(f"sqlite:///{file}") as store, Store(f"sqlite:///{file}") as other:
        now = [0.0]
        store.database.clock = other.database.clock = lambda: now[0]

        async def meddle(running: Run) -> None:
            await asyncio.sleep(10.0)
            now[0] = 1_000.0  # it stood still, and nobody saw a sign of life
            seen = other.journal.resumable(running.run_id)
            assert seen.status is RunStatus.INTERRUPTED
            other.journal.resume_run(running.run_id, seen)

        result = run(store, provider, meddle=meddle)
        assert result.unsaved is not None and "taken over by another process" in str(result.unsaved)
        record = other.journal.run(result.run_id)
        assert record is not None and record.owner == other.journal.lease(result.run_id)
        assert record.report is None and record.finished_at is None
        # What it had done is in its own rows, and nothing of it was written over the other's.
        assert sum(row.status == "translated" for row in result.rows()) == result.report["translated"] > 0
