"""What condition a database is in: its kind, its place, the version of its tables, its size, and its runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, inspect, select, text

from ketl.store.database import Database
from ketl.store.tables import RUNS, SETTINGS

# Where Alembic keeps the name of the last migration.
_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`place` is a file, or a database and its machine; `schema` the last migration, None where none is noted."""

    kind: str
    place: str
    schema: str | None
    size_bytes: int
    runs: int


def condition_of(database: Database) -> Condition:
    """Return the condition of an open database, having written to it and taken that back.

    Raises RunError when it cannot be written to.
    """
    with database.transaction() as connection:
        url = connection.engine.url
        row = {"name": "written by the doctor", "value": "null"}
        connection.execute(database.upsert(SETTINGS, ["name"], ["value"]), row)
        noted = inspect(connection).has_table(_VERSION_TABLE)
        version = text(f"SELECT version_num FROM {_VERSION_TABLE}")
        schema = connection.execute(version).scalar_one_or_none() if noted else None
        runs: int = connection.execute(select(func.count()).select_from(RUNS)).scalar_one()
        if database.is_sqlite:
            place = str(url.database)
            size_bytes = sum(p.stat().st_size for p in map(Path, (place, f"{place}-wal")) if p.exists())
        else:
            place = f"{url.database or ''} on {url.host or 'this machine'}"
            size_bytes = connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one()
        connection.rollback()
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    return Condition(kind=kind, place=place, schema=schema, size_bytes=size_bytes, runs=runs)
