"""The tool that tries small changes: it tells noticed from unnoticed ones, and its lists fit the program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tools.mutate import MUTANTS, ROOT, EntryError, Mutant, is_noticed, main, mutated, read_mutants

HALVE = Mutant(area="house", name="halved", file="house.py", old="2 * x", new="x / 2", tests=("test_house.py",))

LIST = """
[[mutant]]
name = "halved"
file = "house.py"
old = "2 * x"
new = "x / 2"
tests = ["test_house.py"]

[[mutant]]
name = "said otherwise"
file = "house.py"
old = "twice"
new = "two times"
tests = ["test_house.py"]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "house.py").write_text('def double(x):\n    """Return x twice."""\n    return 2 * x\n', encoding="utf-8")
    (folder / "test_house.py").write_text(
        "import house\n\n\ndef test_it():\n    assert house.double(3) == 6\n", encoding="utf-8"
    )
    (folder / "house.toml").write_text(LIST, encoding="utf-8")
    return folder


def test_a_change_that_a_test_sees_is_killed_and_one_that_none_sees_survives(
    tree: Path, capsys: pytest.CaptureFixture[str]
):
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    before = (tree / "house.py").read_text(encoding="utf-8")
    assert main([], root=tree, folder=tree) == 1
    said = capsys.readouterr().out
    assert "1 of 2 killed.\nSurvived: house: said otherwise\n" in said
    assert (tree / "house.py").read_text(encoding="utf-8") == before


def test_a_run_that_does_not_end_counts_as_noticed_and_the_file_is_put_back(tree: Path):
    before = (tree / "house.py").read_bytes()
    assert is_noticed(tree, HALVE, timeout_s=0.01)
    assert (tree / "house.py").read_bytes() == before


def test_a_text_that_is_not_there_exactly_once_is_an_error(tree: Path):
    (tree / "house.py").write_text("a = 2 * x\nb = 2 * x\n", encoding="utf-8")
    with pytest.raises(EntryError, match="stands 2×"):
        mutated(tree, HALVE)


def test_an_unknown_area_and_an_unknown_key_are_named(tree: Path):
    with pytest.raises(EntryError, match="no area “cellar”"):
        read_mutants(tree, ["cellar"])
    (tree / "house.toml").write_text(LIST.replace("new =", "novel ="), encoding="utf-8")
    with pytest.raises(EntryError, match="halved"):
        read_mutants(tree)


@pytest.mark.parametrize("mutant", read_mutants(MUTANTS), ids=lambda mutant: f"{mutant.area}: {mutant.name}")
def test_every_listed_change_still_finds_its_place(mutant: Mutant):
    assert mutant.new in mutated(ROOT, mutant)
