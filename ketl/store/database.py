"""Finds and opens the database: a SQLite file in the user's data folder, or PostgreSQL by URL."""

from __future__ import annotations

import importlib.util
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from platformdirs import PlatformDirs
from sqlalchemy import (
    ClauseElement,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    LargeBinary,
    Table,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from ketl._batches import batches
from ketl.errors import KetlError, RunError, SettingsError
from ketl.store.schema import bring_up

FILE_NAME = "ketl.sqlite3"

# Large enough that the cost of a statement vanishes, small enough for every database's limit on parameters.
BATCH = 512
ROWS_A_STATEMENT = 100
# What one statement may hold in every SQLite (https://sqlite.org/limits.html: 999 before 3.32).
_MOST_VALUES = 999 if sqlite3.sqlite_version_info < (3, 32) else 32_766
_VALUES = re.compile(r"VALUES (\([^()]+\))")

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
    """Open the database at `url`, creating the file on first use and bringing its tables up.

    Raises SettingsError, saying what to do, when that is not possible.
    """
    if url.drivername in ("postgres", "postgresql"):
        # The short names name no driver. psycopg is the faster one, pg8000 has a licence like ours.
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
            engine = create_engine(url, pool_pre_ping=True, paramstyle="format")
        _bring_up(engine, where)
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


def _bring_up(engine: Engine, where: str) -> None:
    try:
        try:
            bring_up(engine, where)
        except OperationalError:
            # Another process may have been switching the new file to write-ahead logging in the same moment.
            bring_up(engine, where)
    except BaseException:
        engine.dispose()
        raise


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Write-ahead logging lets pages read while a run writes; with it, NORMAL loses nothing at a crash of the
    # program, at most the last commits at a power cut, and spares a disk flush per commit.
    # Moving the log into the file after 16 MB instead of 4 moves a page that was written often only once.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "wal_autocheckpoint=4000",
        "cache_size=-32768",
        "temp_store=MEMORY",
        # Read as memory, a file that somebody cuts short would end the program without a word.
        "mmap_size=0",
    ):
        connection.execute(f"PRAGMA {pragma}")


@dataclass(frozen=True, slots=True)
class Insertion:
    """An INSERT in the driver's words; the first `keys` columns tell a row from all others."""

    words: str
    keys: int


class Database:
    """An open database: transactions, and the statements that the two kinds of database say differently.

    Rows by the thousand go past the library's own handling of values, which costs more than the writing: their
    statements are put into words once (`prepared`, `insertion`, `Lookup`) and given to the driver with plain tuples.
    """

    def __init__(self, url: str | URL | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Open the database at `url`, by default the one that the environment names.

        `clock` returns seconds since 1970. Raises SettingsError when the database cannot be opened.
        """
        self._engine = open_database(database_url() if url is None else parse_url(url) if isinstance(url, str) else url)
        self.clock = clock
        self._file = Path(str(self._engine.url.database)) if self.is_sqlite else None
        self._identity = self._seen()

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection whose work is committed at the end, or undone when an error passes through.

        Raises RunError with a sentence in place of a database error.
        """
        if self._file is not None and self._seen() != self._identity:
            # Written to all the same, it would go where nobody finds it.
            raise RunError(
                f"The database {self._file} was removed or replaced while it was in use. Put it back, or begin anew "
                "without it."
            )
        try:
            with self._engine.begin() as connection:
                yield connection
        except KetlError:
            raise
        except SQLAlchemyError as error:
            raise RunError(
                f"The database {_name(self._engine.url)} could not be used ({_cause(error)}). "
                "Check that its disk has room and that it can be reached; finished work is kept."
            ) from error

    def _seen(self) -> tuple[int, int] | None:
        """Return what tells the file from any other that may come to lie in its place, None when there is none."""
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return the dialect's own INSERT, which can say what happens to a row that exists."""
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)

    def upsert(self, table: Table, keys: Sequence[str], columns: Sequence[str]) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that sets `columns` to the new values where a row with these `keys` exists."""
        fresh = self.insert(table)
        return fresh.on_conflict_do_update(
            index_elements=list(keys), set_={name: fresh.excluded[name] for name in columns}
        )

    def prepared(self, statement: ClauseElement) -> str:
        """Return a statement in the driver's words; its values are given as a tuple, in the order they stand in it."""
        return str(statement.compile(dialect=self._engine.dialect, compile_kwargs={"render_postcompile": True}))

    def insertion(self, statement: Insert, columns: Sequence[str], *, keys: int) -> Insertion:
        """Return an INSERT for many rows of `columns`, the first `keys` of which tell a row from all others.

        Raises ValueError for columns in another order than the table's.
        """
        compiled = statement.inline().compile(dialect=self._engine.dialect, column_keys=columns)
        if getattr(compiled, "positiontup", None) != list(columns):
            raise ValueError("the columns stand in another order in the table")
        words = str(compiled)
        if not self.is_sqlite:
            types = [statement.table.c[name].type for name in columns]
            values = [
                f"decode(r ->> {number}, 'hex')"
                if isinstance(kind, LargeBinary)
                else f"(r ->> {number})::{kind.compile(self._engine.dialect)}"
                for number, kind in enumerate(types)
            ]
            packed = f"SELECT {', '.join(values)} FROM jsonb_array_elements(%s::jsonb) AS r"
            words = _VALUES.sub(lambda _: packed, words)
        return Insertion(words, keys)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self._engine.dialect.name == "sqlite"

    def write(self, connection: Connection, insertion: Insertion, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows; of those with one key the last stays.

        SQLite gets them by the hundred in one statement: its driver lets go of the interpreter once a statement and
        takes it again, and between busy threads each time may cost more than the row.
        """
        if not self.is_sqlite:
            told_apart = {row[: insertion.keys]: row for row in rows}  # which PostgreSQL asks for
            self.write_at_once(connection, insertion, [*told_apart.values()])
            return
        single = 0
        together = min(ROWS_A_STATEMENT, _MOST_VALUES // len(rows[0])) if rows else 0
        if 1 < together <= len(rows):
            single = len(rows) - len(rows) % together
            for start in range(0, single, together):
                self.write_at_once(connection, insertion, rows[start : start + together])
        if single < len(rows):
            connection.exec_driver_sql(insertion.words, list(rows[single:]))

    def write_at_once(self, connection: Connection, insertion: Insertion, rows: Sequence[tuple[Any, ...]]) -> int:
        """Insert rows of different keys in one statement, into SQLite at most 100; return how many it wrote.

        PostgreSQL gets them as one JSON text: its driver reads through all words of a statement for each row it
        sends, which took ten times as long.
        """
        if not self.is_sqlite:
            packed = orjson.dumps(rows, default=bytes.hex).decode()
            return connection.exec_driver_sql(insertion.words, (packed,)).rowcount
        many = _VALUES.sub(lambda found: "VALUES " + ", ".join([found[1]] * len(rows)), insertion.words)
        return connection.exec_driver_sql(many, tuple(chain.from_iterable(rows))).rowcount

    def now(self, connection: Connection) -> float:
        """Return seconds since 1970 by the one clock that all hosts of this database share."""
        if self.is_sqlite:
            return self.clock()
        return float(connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())


class Lookup:
    """Finds the rows whose `listed` column is one of many values, with the `fixed` columns at one value each.

    `packed` has SQLite send all rows of a look-up as one text, for the reason that `Database.write` gives; only for
    columns of texts and byte strings.
    """

    def __init__(
        self,
        database: Database,
        wanted: Sequence[Column[Any]],
        *,
        fixed: Sequence[Column[Any]],
        listed: Column[Any],
        packed: bool = False,
    ) -> None:
        self._packed = packed and database.is_sqlite
        self._bytes = [number for number, column in enumerate(wanted) if isinstance(column.type, LargeBinary)]
        self._database = database
        self._wanted = wanted
        self._fixed = fixed
        self._listed = listed
        self._statements: dict[int, str] = {}

    def rows(self, connection: Connection, fixed: Sequence[Any], listed: Iterable[Any]) -> Iterator[Sequence[Any]]:
        """Yield the wanted columns of every row found, in no order."""
        for batch in batches(listed, BATCH):
            # A few lengths are enough: the last value fills up, since naming one twice finds nothing twice.
            length = 1 << (len(batch) - 1).bit_length()
            values = (*fixed, *batch, *batch[-1:] * (length - len(batch)))
            # Straight from the driver: a row object of the library for each costs as much as finding it.
            cursor = connection.exec_driver_sql(self._of_length(length), values).cursor
            if self._packed:
                ((text,),) = cursor.fetchall()
                yield from self._unpacked(text)
            else:
                yield from cursor.fetchall()

    def _unpacked(self, text: str) -> list[list[Any]]:
        rows: list[list[Any]] = orjson.loads(text)
        for number in self._bytes:
            for row in rows:
                row[number] = bytes.fromhex(row[number])
        return rows

    def _of_length(self, length: int) -> str:
        statement = self._statements.get(length)
        if statement is None:
            where = [column == "" for column in self._fixed]
            wanted: Sequence[ColumnElement[Any]] = self._wanted
            if self._packed:
                plain = [func.hex(c) if isinstance(c.type, LargeBinary) else c for c in self._wanted]
                wanted = [func.json_group_array(func.json_array(*plain))]
            asked = select(*wanted).where(*where, self._listed.in_([""] * length))
            statement = self._statements[length] = self._database.prepared(asked)
        return statement


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
