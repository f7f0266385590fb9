"""The house is in order: documented, short, complete, with a README whose commands are the real ones."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import ketl
from ketl.cli import build_parser
from tests.guard import NetworkGuard, NetworkRefusedError

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "ketl").rglob("*.py"))
MOST_LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_public_names_are_sorted_complete_and_importable() -> None:
    names = ketl.__all__
    assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(ketl, name) is not None
        assert inspect.getdoc(getattr(ketl, name)) or name.isupper(), name
    assert {"load_products", "translate_product", "format_translation_result", "translate_catalog"} < set(names)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ketl.nothing  # noqa: B018


def test_importing_the_package_is_light() -> None:
    code = "import ketl, sys; print(sorted({'groq', 'streamlit', 'sqlalchemy'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_and_opens_with_a_sentence(path: Path) -> None:
    text = path.read_text("utf-8")
    lines = text.count("\n")
    assert lines <= MOST_LINES, f"{name_of(path)} has {lines} lines: it wants to become two modules."
    tree = ast.parse(text)
    opening = ast.get_docstring(tree)
    assert opening, f"{name_of(path)} opens with no sentence."
    assert opening.split("\n\n")[0].rstrip().endswith((".", ":")), opening


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_public_function_and_class_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    bare = [
        node.name
        for scope in [tree, *(n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_"))]
        for node in scope.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


# Written in pieces, so that this file does not find itself.
FORBIDDEN = (
    "/" + "work/", "/" + "home/", "/" + "Users/", "/" + "root/", "TO" + "DO", "FIX" + "ME", "X" + "XX",
    "<<<<" + "<<<", ">>>>" + ">>>", "breakpoint" + "(", "gsk_" + "live",
)  # fmt: skip


def test_nothing_unfinished_and_no_machine_s_own_path_is_in_the_repository() -> None:
    found = [
        f"{name_of(path)}: {word}"
        for path in tracked()
        if path.suffix in (".py", ".md", ".toml", ".txt", ".json", ".csv", ".yml", ".cfg", ".sh", "")
        for word in FORBIDDEN
        if word in path.read_text("utf-8", "replace")
    ]
    assert found == []


def test_nothing_generated_is_in_the_repository() -> None:
    names = [name_of(path) for path in tracked()]
    assert not [n for n in names if re.search(r"__pycache__|\.pyc$|\.sqlite3|\.venv/|\.hypothesis/|\.egg-info", n)]
    assert not [n for n in names if (ROOT / n).stat().st_size > 3_000_000]


def quick_start() -> list[str]:
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.split("\n## Quick start\n", 1)[1]
    return [line for line in re.split(r"^```\w*$", section, flags=re.MULTILINE)[1].splitlines() if line.strip()]


def test_the_quick_start_is_two_commands_each_on_one_line() -> None:
    start, test = quick_start()
    assert "streamlit run app.py" in start and "pytest" in test
    for command in (start, test):
        assert "pip install" in command and not command.endswith("\\") and not command.startswith(("$", "#"))
        for file in re.findall(r"-r (\S+)", command):
            assert (ROOT / file).is_file()


def test_ci_runs_the_readme_s_own_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    found = re.search(r"awk '(.+?)' README\.md", script)
    assert found, "the script no longer reads its test command from the README"
    read = subprocess.run(["awk", found[1], "README.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert read.stdout.strip() == quick_start()[1]
    for tool in ("ruff check", "ruff format --check", "mypy", "--require-hashes -r requirements.lock", "pip wheel"):
        assert tool in script
    for own in re.findall(r"\.ci/\w+\.py", script):
        assert (ROOT / own).is_file()


def test_the_readme_s_first_lines_hold_a_picture_that_exists() -> None:
    head = "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:30])
    picture = re.search(r"!\[.+\]\((\S+)\)", head)
    assert picture and (ROOT / picture[1]).is_file()


PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def commands_shown(paper: Path) -> list[list[str]]:
    """Return the words of every command line of ours that a paper shows, in its blocks and between backticks."""
    text = paper.read_text("utf-8")
    blocks = re.findall(r"^```(?:sh|ini|console)$(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose)
    # Either as a module of some Python, or as the command; not a path or a name that merely ends in it.
    found = [
        re.search(r"(?:-m ketl|^(?:\$ |ExecStart=)?(?:\S*/)?ketl)((?: [^#|&;]+)?)", line.strip()) for line in lines
    ]
    return [match[1].split() for match in found if match and match[1].strip()]


def test_the_readme_shows_how_to_translate_and_plan() -> None:
    assert {"translate", "plan"} <= {words[0] for words in commands_shown(ROOT / "README.md")}


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_every_command_that_a_paper_shows_exists(paper: Path) -> None:
    parser = build_parser()
    known = next(dict(a.choices) for a in parser._actions if a.choices and "translate" in a.choices)
    for words in commands_shown(paper):
        ours = words[: words.index("--")] if "--" in words else words
        command = next((word for word in ours if not word.startswith("-")), None)
        assert command is None or command in known, f"{paper.name} shows “ketl {' '.join(words)}”"
        options = {*parser._option_string_actions, *(known[command]._option_string_actions if command else ())}
        if command != "simulator":
            assert {word.partition("=")[0] for word in ours if word.startswith("-")} <= options, words


@pytest.mark.parametrize("where", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0)])
def test_no_test_leaves_this_machine(where: tuple[object, ...], network: NetworkGuard) -> None:
    family = socket.AF_INET6 if ":" in str(where[0]) else socket.AF_INET
    with socket.socket(family) as out, pytest.raises(NetworkRefusedError, match="Tests may only use"):
        out.connect(where)
    with pytest.raises(NetworkRefusedError):
        socket.getaddrinfo("api.groq.com", 443)
    assert network.refused == [str(where[0]), "api.groq.com"]
    network.refused.clear()


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=name_of)
def test_every_test_can_fail_and_none_sleeps(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"time.sleep", "sleep"}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            inside = [type(n) for n in ast.walk(node)]
            called = {ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
            assert {ast.Assert, ast.Raise} & set(inside) or any(
                re.search(r"raises|check|expect|refuse|assert|wait|passes|fails|talk|same", name) for name in called
            ), f"{node.name} asserts nothing"


def test_every_module_can_be_imported_alone() -> None:
    for path in MODULES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        # Alembic runs the one in migrations, in a context of its own.
        if not name.endswith(("__main__", "migrations.env")) and not name.startswith("ketl.ui"):
            assert importlib.import_module(name).__doc__
