"""Finds and opens the database: a SQLite file in the user's data folder, or PostgreSQL by URL."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platformdirs import PlatformDirs
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from ketl.errors import KetlError, RunError, SettingsError
from ketl.store.tables import METADATA

FILE_NAME = "ketl.sqlite3"

# How long a writer waits for another process's transaction before it gives up.
_BUSY_S = 30.0


def data_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder for this program's data: KETL_HOME, else the place the platform sets aside for it."""
    env = os.environ if environment is None else environment
    if home := env.get("KETL_HOME", "").strip():
        return Path(home).expanduser()
    return PlatformDirs("ketl", appauthor=False).user_data_path


def database_url(environment: Mapping[str, str] | None = None) -> URL:
    """Return the URL of the database: KETL_DATABASE_URL, else the SQLite file in the data folder.

    Raises SettingsError when KETL_DATABASE_URL is not a database URL.
    """
    env = os.environ if environment is None else environment
    given = env.get("KETL_DATABASE_URL", "").strip()
    if not given:
        return URL.create("sqlite", database=str(data_folder(env) / FILE_NAME))
    return parse_url(given)


def parse_url(text: str) -> URL:
    """Return the database URL in `text`. Raises SettingsError when it is none."""
    try:
        return make_url(text)
    except ArgumentError as error:
        raise SettingsError(
            "KETL_DATABASE_URL is not a database URL. Write it like postgresql://user:password@host/name, "
            "or leave it out to use a local file."
        ) from error


def open_database(url: URL) -> Engine:
    """Open the database at `url`, creating the file and the tables on first use.

    Raises SettingsError, saying what to do, when that is not possible.
    """
    if url.drivername in ("postgres", "postgresql"):
        # The short names name no driver. psycopg writes about ten times faster, pg8000 has a licence like ours.
        driver = "psycopg" if importlib.util.find_spec("psycopg") else "pg8000"
        url = url.set(drivername=f"postgresql+{driver}")
    where = _name(url)
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError(f"The database {where} is of a kind that is not supported. Use SQLite or PostgreSQL.")
    try:
        if url.get_backend_name() == "sqlite":
            if not url.database or url.database == ":memory:":
                raise SettingsError(
                    "A SQLite database needs a file. Write the URL like sqlite:////folder/ketl.sqlite3."
                )
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(url, connect_args={"timeout": _BUSY_S})
            event.listen(engine, "connect", _prepare_sqlite)
        else:
            engine = create_engine(url, pool_pre_ping=True)
        _create_tables(engine)
    except ImportError as error:
        raise SettingsError(
            f"The database {where} needs a driver that is not installed. Run “pip install pg8000”."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"The folder of the database {where} cannot be used ({error.strerror}). "
            "Set KETL_HOME to a folder that can be written to."
        ) from error
    except (SQLAlchemyError, NoSuchModuleError, TypeError, ValueError) as error:
        # Drivers answer an incomplete address with errors of their own, such as a missing argument.
        raise SettingsError(
            f"The database {where} cannot be opened ({_cause(error)}). Check that it exists and can be written to, "
            "or set KETL_HOME or KETL_DATABASE_URL to another place."
        ) from error
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Write-ahead logging lets pages read while a run writes; with it, NORMAL loses nothing at a crash of the
    # program, at most the last commits at a power cut, and spares a disk flush per commit.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-32768", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _create_tables(engine: Engine) -> None:
    try:
        _create_missing(engine)
    except (IntegrityError, OperationalError, ProgrammingError):
        # Another process may have been creating the same tables in the same moment.
        _create_missing(engine)


def _create_missing(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))


def insert(engine: Engine, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's own INSERT for `table`, which can update on conflict."""
    return postgresql.insert(table) if engine.dialect.name == "postgresql" else sqlite.insert(table)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose work is committed at the end, or undone when an error passes through.

    Raises RunError with a sentence in place of a database error.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except KetlError:
        raise
    except SQLAlchemyError as error:
        raise RunError(
            f"The database {_name(engine.url)} could not be used ({_cause(error)}). "
            "Check that its disk has room and that it can be reached; finished work is kept."
        ) from error


def _name(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.database or ''} on {url.host or 'this machine'}"


def _cause(error: Exception) -> str:
    # Only the driver's first line: the rest repeats the statement with its values, or names the user.
    inner = getattr(error, "orig", None) or error
    said = inner.args[0] if inner.args else ""
    # PostgreSQL's answer comes as a table of one-letter fields; M is its sentence.
    words = said.get("M", "") if isinstance(said, dict) else str(inner)
    return words.strip().partition("\n")[0][:160] or type(inner).__name__
