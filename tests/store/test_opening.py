"""The database opens without set-up, and says in a sentence when it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from ketl.errors import RunError, SettingsError
from ketl.store.database import data_folder, database_url
from ketl.store.store import Store
from ketl.store.tables import SETTINGS


def test_the_file_lies_in_the_home_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETL_HOME", str(tmp_path / "new" / "home"))
    monkeypatch.delenv("KETL_DATABASE_URL", raising=False)
    with Store() as store:
        assert store.journal.runs() == []
    assert (tmp_path / "new" / "home" / "ketl.sqlite3").is_file()


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        (Unix, {}, ".local/share/ketl"),
        (Unix, {"XDG_DATA_HOME": "/data"}, "/data/ketl"),
        (MacOS, {}, "Library/Application Support/ketl"),
        (Windows, {}, "/local/ketl"),
        (Unix, {"KETL_HOME": "/anywhere", "XDG_DATA_HOME": "/data"}, "/anywhere"),
    ],
)
def test_every_platform_has_its_folder(
    monkeypatch: pytest.MonkeyPatch, platform: type, environment: dict[str, str], folder: str
) -> None:
    for name in ("KETL_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # Only Windows itself can be asked where its folders are; which of them is asked for is ours.
    monkeypatch.setattr("platformdirs.windows.get_win_folder", {"CSIDL_LOCAL_APPDATA": "/local"}.__getitem__)
    monkeypatch.setattr("ketl.store.database.PlatformDirs", platform)
    assert data_folder() == Path.home() / folder


def test_a_database_url_wins_over_the_folder() -> None:
    url = database_url({"KETL_DATABASE_URL": "postgres://ann:secret@db.example/ketl", "KETL_HOME": "/x"})
    assert url.host == "db.example"


def test_a_database_server_that_does_not_answer_is_told_without_its_password() -> None:
    pytest.importorskip("pg8000")
    with pytest.raises(SettingsError, match="The database ketl on 127.0.0.1 cannot be opened") as caught:
        Store("postgres://ann:secret@127.0.0.1:9/ketl")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://ann:secret@db.example/ketl", "SQLite or PostgreSQL"),
        ("sqlite://", "needs a file"),
    ],
)
def test_an_unusable_url_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str, said: str) -> None:
    monkeypatch.setenv("KETL_DATABASE_URL", url)
    with pytest.raises(SettingsError, match=said) as caught:
        Store()
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_or_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.sqlite3").write_text("shopping list\n" * 100, encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path / 'notes.sqlite3'}")
    with pytest.raises(SettingsError, match="KETL_HOME"):
        Store(f"sqlite:///{tmp_path / 'notes.sqlite3' / 'ketl.sqlite3'}")


def test_two_processes_open_a_new_database_at_the_same_time(tmp_path: Path) -> None:
    script = "import sys; from ketl.store.store import Store; Store(sys.argv[1]).settings.put('a', 1)"
    command = [sys.executable, "-c", script, f"sqlite:///{tmp_path / 'ketl.sqlite3'}"]
    children = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]) for _ in range(3)]
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 3


def test_values_can_never_land_in_another_column(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'ketl.sqlite3'}") as store:
        insert = store.database.insert(SETTINGS)
        insertion = store.database.insertion(insert, ("name", "value"), keys=1)
        assert insertion.words.startswith("INSERT INTO settings (name, value)")
        with pytest.raises(ValueError, match="another order"):
            store.database.insertion(insert, ("value", "name"), keys=1)


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_file_that_is_taken_away_while_it_is_in_use_is_a_sentence(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "ketl.sqlite3"
    with Store(f"sqlite:///{path}") as store:
        store.settings.put("a", 1)
        path.rename(tmp_path / "elsewhere")
        if replaced:
            Store(f"sqlite:///{path}").close()
        with pytest.raises(RunError, match="was removed or replaced while it was in use"):
            store.settings.put("a", 2)
        if not replaced:
            (tmp_path / "elsewhere").rename(path)
            store.settings.put("a", 3)
            assert store.settings.get("a") == 3
