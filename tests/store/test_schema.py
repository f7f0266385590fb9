"""The tables have a version: older databases are brought up, unknown and foreign ones refused with a sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import ketl.store
from ketl.errors import SettingsError
from ketl.store.schema import HEAD
from ketl.store.store import Store
from ketl.store.tables import METADATA
from tests.store.postgres import Cluster

REVISIONS = ScriptDirectory(str(Path(ketl.store.__file__).with_name("migrations")))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ketl.sqlite3'}"
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        yield cluster.create("schema").replace("postgresql://", "postgresql+pg8000://")


def run(url: str, *statements: object) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement) if isinstance(statement, str) else statement)  # type: ignore[arg-type]
    engine.dispose()


def bring_to(url: str, revision: str) -> None:
    from alembic import command

    config = Config()
    config.set_main_option("script_location", REVISIONS.dir)
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def unversioned(url: str) -> None:
    """Make a database as the program did before it counted versions, with one run in it."""
    bring_to(url, "0001")
    run(
        url,
        "DROP TABLE alembic_version",
        "INSERT INTO runs (run_id, status, engine, mode, spec, counts, owner, started_at, heartbeat_at) "
        "VALUES ('r1', 'finished', 'demo', 'parallel', '{}', '{}', 'a|1|', 1, 1)",
    )


def version(url: str) -> str | None:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    engine.dispose()
    return found


def test_the_head_is_the_newest_revision() -> None:
    assert REVISIONS.get_current_head() == HEAD


@pytest.mark.parametrize("begun_as", ["nothing", "unversioned"])
def test_whatever_a_database_was_it_has_the_tables_as_they_are_described(url: str, begun_as: str) -> None:
    if begun_as == "unversioned":
        unversioned(url)
    Store(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


def test_a_database_without_a_version_is_brought_up_with_what_is_in_it(url: str) -> None:
    unversioned(url)
    with Store(url) as store:
        assert [record.run_id for record in store.journal.runs()] == ["r1"]
    assert version(url) == HEAD


@pytest.mark.parametrize("older", [script.revision for script in REVISIONS.walk_revisions()])
def test_every_older_version_is_brought_up(url: str, older: str) -> None:
    bring_to(url, older)
    with Store(url) as store:
        assert store.journal.runs() == []
    assert version(url) == HEAD


def test_runs_of_before_catalogues_were_told_apart_can_be_resumed(url: str) -> None:
    bring_to(url, "0002")
    run(
        url,
        "INSERT INTO runs (run_id, status, engine, mode, spec, counts, owner, started_at, heartbeat_at) "
        "VALUES ('r1', 'cancelled', 'demo', 'parallel', '{}', '{}', 'a|1|', 1, 1)",
    )
    with Store(url) as store:
        assert store.journal.resume_run("r1").catalog_sha256 is None
        assert store.uploads.content(store.uploads.keep("ropes.json", b"[]")) == b"[]"


def test_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    Store(url).close()
    run(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="newer version of this program .*“9999”"):
        Store(url)
    assert version(url) == "9999"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE runs RENAME COLUMN owner TO keeper", "“runs” has no column “owner”"),
        ("ALTER TABLE units DROP COLUMN previous_key", "“units” has no column “previous_key”"),
        ("DROP TABLE decisions", "“decisions” is missing"),
    ],
)
def test_tables_that_were_changed_are_refused_at_opening(url: str, change: str, said: str) -> None:
    Store(url).close()
    run(url, change)
    with pytest.raises(SettingsError, match=said):
        Store(url)


def test_a_foreign_column_is_refused_only_if_every_row_must_fill_it(url: str) -> None:
    Store(url).close()
    run(
        url,
        "ALTER TABLE settings ADD COLUMN note VARCHAR",
        "ALTER TABLE settings ADD COLUMN n INTEGER NOT NULL DEFAULT 1",
    )
    with Store(url) as store:
        store.settings.put("a", 1)
    run(
        url,
        "DROP TABLE settings",
        "CREATE TABLE settings (name VARCHAR PRIMARY KEY, value TEXT NOT NULL, n INTEGER NOT NULL)",
    )
    with pytest.raises(SettingsError, match="“settings” wants a value in the column “n”"):
        Store(url)


def test_tables_of_another_program_stay_as_they_are(url: str) -> None:
    run(url, "CREATE TABLE settings (id INTEGER PRIMARY KEY)")
    with pytest.raises(SettingsError, match="are not those of this program"):
        Store(url)
    engine = create_engine(url)
    assert inspect(engine).get_table_names() == ["settings"]
    engine.dispose()


def test_two_processes_bring_up_the_same_database(url: str) -> None:
    unversioned(url)
    script = "import sys; from ketl.store.store import Store; Store(sys.argv[1]).journal.runs()"
    command = [sys.executable, "-c", script, url]
    children = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]) for _ in range(3)]
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 3
    assert version(url) == HEAD


def test_an_empty_database_and_one_that_is_up_to_date_are_opened_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ketl.sqlite3'}"
    script = "import sys; from ketl.store.store import Store; Store(sys.argv[1]); sys.exit('alembic' in sys.modules)"
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", script, url], cwd=Path(__file__).parents[2]).returncode == 0
