"""Result files appear whole or not at all, and what a killed process left beside them is taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from ketl.formats.writing import check_writable, write_rows

fcntl = pytest.importorskip("fcntl")


def begun(folder: Path, name: str, mark: str = "0123abcd") -> Path:
    draft = folder / f".{name}.{mark}.part"
    draft.write_bytes(b"half of it")
    return draft


@pytest.mark.parametrize("name", ["rows.csv", "rows [1]*.csv"])
def test_the_draft_of_a_killed_process_is_taken_away_by_the_next_one(name: str, tmp_path: Path) -> None:
    begun(tmp_path, name)
    check_writable(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    begun(tmp_path, name)
    write_rows([], tmp_path / name)
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_the_draft_of_a_living_process_and_of_another_file_stay(tmp_path: Path) -> None:
    alive, other, new = begun(tmp_path, "rows.csv"), begun(tmp_path, "else.csv"), tmp_path / ".rows.csv.00000000.part"
    new.touch()
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write_rows([], tmp_path / "rows.csv")
        assert {alive, other, new} < set(tmp_path.iterdir())
    write_rows([], tmp_path / "rows.csv")
    assert not alive.exists() and other.exists()


def test_a_draft_is_marked_as_long_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def copied(source: object, handle: object, length: int) -> None:
        (draft,) = tmp_path.glob(".rows.csv.*.part")
        draft.write_bytes(b"half of it")
        check_writable(tmp_path / "rows.csv")
        seen.append(draft.exists())

    monkeypatch.setattr("ketl.formats.writing.shutil.copyfileobj", copied)
    write_rows([], tmp_path / "rows.csv")
    assert seen == [True]
