"""The API paper holds: its examples run and print what it says, and it names everything there is."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import ketl
from benchmarks.scenarios import SCENARIOS
from ketl import errors
from ketl.cli.statuses import ExitStatus
from ketl.formats.layouts import LONG_COLUMNS
from ketl.results.events import Event
from ketl.runs.job import Job

ROOT = Path(__file__).resolve().parents[2]
PAPER = (ROOT / "docs" / "api.md").read_text("utf-8")
_BLOCK = re.compile(r"^```python\n(.+?)^```\n(?:\n```text\n(.+?)^```$)?", re.MULTILINE | re.DOTALL)
EXAMPLES = [(PAPER.count("\n", 0, found.start()) + 1, found[1], found[2]) for found in _BLOCK.finditer(PAPER)]


def printed_by(code: str) -> str:
    said = io.StringIO()
    compiled = compile(code, "docs/api.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    with contextlib.redirect_stdout(said):
        if compiled.co_flags & inspect.CO_COROUTINE:
            # As in a notebook's cell, where await may stand at the top.
            asyncio.run(eval(compiled, {}))
        else:
            exec(compiled, {})
    return said.getvalue()


def printed_apart(code: str) -> str:
    """Return what code prints that patches the whole process it runs in."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize(("line", "code", "said"), EXAMPLES, ids=[f"line {line}" for line, _, _ in EXAMPLES])
def test_an_example_prints_what_the_paper_says(line: int, code: str, said: str | None) -> None:
    if "nested=True" in code:
        pytest.importorskip("nest_asyncio")
        printed = printed_apart(code)
    else:
        printed = printed_by(code)
    assert said is not None, f"the example in line {line} of docs/api.md shows nothing"
    assert doctest.OutputChecker().check_output(said, printed, doctest.ELLIPSIS), printed


def headings() -> str:
    return "\n".join(re.findall(r"^### .+$", PAPER, re.MULTILINE))


@pytest.mark.parametrize("name", ketl.__all__)
def test_every_public_name_has_its_heading_with_the_arguments_it_takes(name: str) -> None:
    value = getattr(ketl, name)
    if not inspect.isfunction(value):
        assert f"`{name}`" in headings()
        return
    plain = [p.replace(annotation=p.empty) for p in inspect.signature(value).parameters.values()]
    assert f"`{name}{inspect.Signature(plain)}`".replace("path: ", "") in headings()


def test_the_paper_names_every_event_field_error_column_status_and_variable() -> None:
    rows = {line.split("|")[1].strip(): line for line in PAPER.splitlines() if line.startswith("| ")}
    for event in get_args(Event):
        assert f"`{', '.join(f.name for f in fields(event))}`" in rows[f"`{event.__name__}`"]
    family = [e for e in vars(errors).values() if inspect.isclass(e) and issubclass(e, errors.KetlError)]
    columns = [*LONG_COLUMNS, *(f.name for f in fields(Job)), *(error.__name__ for error in family)]
    assert [name for name in columns if f"`{name}`" not in PAPER] == []
    statuses = PAPER.split("\n## Exit statuses\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", statuses, re.MULTILINE) == [str(int(status)) for status in ExitStatus]
    read = {
        word
        for path in (ROOT / "ketl").rglob("*.py")
        for word in re.findall(r'"(KETL_[A-Z_]+|GROQ_[A-Z_]+)"', path.read_text("utf-8"))
    }
    assert read == set(re.findall(r"^\| `((?:KETL|GROQ)_[A-Z_]+)`", PAPER, re.MULTILINE))


@pytest.mark.usefixtures("keyed")
def test_the_paper_s_table_of_the_report_has_exactly_its_keys() -> None:
    report = ketl.run_sync(ketl.translate_product(1, ["es"], fields=["name"])).report
    table = PAPER.split("\n## The report\n")[1].split("\n## ")[0]
    told = [name for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(report)


PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def anchors_of(paper: Path) -> set[str]:
    """Return the anchors that GitHub gives a paper's headings."""
    titles = re.findall(r"^#+ (.+)$", paper.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_what_a_paper_links_to_is_there(paper: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", paper.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("http"):
            file, _, anchor = target.partition("#")
            place = paper.parent / file if file else paper
            assert place.exists() and (not anchor or anchor in anchors_of(place)), target


@pytest.mark.parametrize("name", ["architecture.md", "parallelization.md", "reliability.md"])
def test_the_modules_and_scenarios_that_a_paper_names_exist(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    ours = [path.relative_to(ROOT).as_posix() for folder in ("ketl", "tests") for path in (ROOT / folder).rglob("*.py")]
    named = re.findall(r"`([\w/]+\.py)`", text)
    assert [
        module for module in named if not any(f"/{path}".endswith(f"/{module}") for path in [*ours, "app.py"])
    ] == []
    assert len(named) > 10
    known = {scenario.name for scenario in SCENARIOS} | {"plan", "fairness"}
    assert set(re.findall(r"--only ([\w-]+)", text)) <= known
