"""The version of the database's tables: read at every opening, brought up when it is older, refused when unknown.

The steps from version to version are Alembic's revisions in `migrations`. An empty database gets the newest tables at
once. Alembic is imported only when there is a step to take: importing it takes longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, text

from ketl.errors import SettingsError
from ketl.store.tables import METADATA, SINCE

HEAD = "0003"
"""The newest revision in `migrations`, which `tables` describes."""

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
# Any number will do that no other program takes for its own lock in the same database.
_LOCK = 0x6B65746C

_SQLITE_COLUMNS = text(
    'SELECT m.name, p.name, p."notnull" AND p.dflt_value IS NULL AND NOT p.pk FROM sqlite_master AS m '
    "JOIN pragma_table_info(m.name) AS p WHERE m.type = 'table'"
)
_POSTGRESQL_COLUMNS = text(
    "SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' "
    "FROM information_schema.columns WHERE table_schema = current_schema()"
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a database holds: of every table its columns, each with whether a row must give it a value."""

    tables: Mapping[str, Mapping[str, bool]]
    version: str | None


def bring_up(engine: Engine, where: str) -> None:
    """Bring the tables of the database called `where` to the version of this program, creating them if need be.

    Of two processes at once one does it, the other waits. Raises SettingsError for a version that this program does
    not know, and for tables that are not as their version says.
    """
    with engine.connect() as connection:
        found = _look(connection)
    if found.version != HEAD:
        with engine.begin() as connection:
            _lock(connection)
            found = _look(connection)  # another process may have done it meanwhile
            if found.tables.keys().isdisjoint([*METADATA.tables, _VERSION.name]):
                _create(connection)
            elif found.version != HEAD:
                _upgrade(connection, found, where)
            _check_columns(_look(connection), where)
        return
    _check_columns(found, where)


def _look(connection: Connection) -> _Found:
    sqlite = connection.dialect.name == "sqlite"
    tables: dict[str, dict[str, bool]] = {}
    for table, column, required in connection.execute(_SQLITE_COLUMNS if sqlite else _POSTGRESQL_COLUMNS):
        tables.setdefault(table, {})[column] = bool(required)
    version = None
    if _VERSION.name in tables:
        version = connection.execute(_VERSION.select()).scalar()
    return _Found(tables, version)


def _lock(connection: Connection) -> None:
    """Wait until no other process changes the tables; held to the end of the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _create(connection: Connection) -> None:
    METADATA.create_all(connection, checkfirst=False)
    _VERSION.create(connection)
    connection.execute(_VERSION.insert().values(version_num=HEAD))


def _upgrade(connection: Connection, found: _Found, where: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found.version is not None and found.version not in known:
        raise SettingsError(
            f"The database {where} was written by a newer version of this program (its tables have the version "
            f"“{found.version}”, this program knows “{HEAD}”). Install the newer version, or set KETL_HOME or "
            "KETL_DATABASE_URL to another place."
        )
    if found.version is None:
        # Its own tables are as in the first version; whoever's they are else, they must stay as they are.
        _check_columns(found, where)
    command.upgrade(config, "head")


def _check_columns(found: _Found, where: str) -> None:
    """Raise SettingsError when one of the program's tables lacks a column, or asks for one that is never filled."""
    for table in METADATA.sorted_tables:
        there = found.tables.get(table.name)
        if there is None:
            if found.version == HEAD:
                raise _unlike(where, f"the table “{table.name}” is missing")
            continue
        missing = [column for column in table.columns if column.name not in there]
        if found.version != HEAD:
            # Which of the later columns an older version has, the steps up from it know.
            missing = [column for column in missing if found.version is None and SINCE not in column.info]
        if missing:
            raise _unlike(where, f"the table “{table.name}” has no column “{missing[0].name}”")
        foreign = [name for name, required in there.items() if required and name not in table.columns]
        if foreign:
            raise _unlike(where, f"the table “{table.name}” wants a value in the column “{foreign[0]}”")


def _unlike(where: str, what: str) -> SettingsError:
    return SettingsError(
        f"The tables of the database {where} are not those of this program: {what}. Something else changed them or "
        "uses the same names. Nothing was changed; set KETL_HOME or KETL_DATABASE_URL to another place, or bring "
        "back a copy of the database."
    )
