"""A store of its own for every test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ketl.store.store import Store
from ketl.store.tables import METADATA


class Clock:
    """Seconds since 1970 that a test sets by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("cluster").url() if on_postgres else f"sqlite:///{tmp_path / 'ketl.sqlite3'}"
    with Store(url, clock=clock) as opened:
        with opened.database.transaction() as connection:
            for table in METADATA.sorted_tables:
                connection.execute(table.delete())
        yield opened
