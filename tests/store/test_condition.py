"""The condition of a database, and that looking at it leaves nothing behind."""

from __future__ import annotations

from ketl.store.condition import condition_of
from ketl.store.store import Store


def test_runs_and_size_are_told_and_nothing_stays(store: Store) -> None:
    before = condition_of(store.database)
    assert before.runs == 0 and before.size_bytes > 0
    assert before.kind == ("SQLite" if store.database.is_sqlite else "PostgreSQL")
    store.journal.start_run("r1", engine="demo", mode="parallel", spec={}, counts={})
    assert condition_of(store.database).runs == 1
    assert store.settings.get("written by the doctor") is None
