"""The package: its lists of dependencies agree, its lock holds, its files travel, and its rooms speak to everybody."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import ketl
from ketl._shipped import shipped

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def listed(file: str) -> set[str]:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))}


def test_the_two_lists_of_dependencies_are_alike() -> None:
    project = PROJECT["project"]
    packaged = {*project["dependencies"], *project["optional-dependencies"]["notebook"]}
    assert {line for line in listed("requirements.txt") if not line.startswith("pytest")} == packaged
    names = {Requirement(line).name for line in listed("requirements.txt")}
    assert {"streamlit", "groq", "pandas", "nest-asyncio", "pytest"} <= names


def test_every_library_that_is_imported_is_named() -> None:
    # What the import is called where it is not the name on the registry; the loop is an extra that nothing needs.
    named = {"httpx_aiohttp": "httpx-aiohttp", "nest_asyncio": "nest-asyncio"}
    ranges = {*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["notebook"]}
    known = {Requirement(line).name.casefold() for line in ranges}
    used = {
        name.split(".")[0]
        for path in [*(ROOT / "ketl").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    foreign = {named.get(name, name) for name in used - set(sys.stdlib_module_names) - {"ketl", "pages", "uvloop"}}
    assert foreign <= known, foreign - known


def locked() -> dict[str, list[str]]:
    """Return the versions that the lock has of each package; of some it has one for each version of Python."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.!+]+)", LOCK, flags=re.MULTILINE):
        found.setdefault(name.casefold(), []).append(version)
    return found


@pytest.mark.parametrize(
    "line",
    sorted(listed("requirements.txt") | set(PROJECT["project"]["optional-dependencies"]["postgres"])),
)
def test_the_lock_keeps_every_range(line: str) -> None:
    wanted = Requirement(line)
    versions = locked().get(wanted.name.casefold(), [])
    assert versions, f"{wanted.name} is not locked: make the lock anew (CONTRIBUTING.md says how)."
    assert all(wanted.specifier.contains(version) for version in versions)


def test_the_lock_has_a_hash_for_everything_and_names_no_registry() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > 50 and all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"index-url|find-links|trusted-host|https?://|file:", LOCK)


def test_what_the_program_reads_travels_in_the_wheel_and_secrets_do_not() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for place, inside in wheel.items():
        assert (ROOT / place).exists() and inside == f"ketl/_files/{place}"
        assert shipped(*place.split("/")) == ROOT / place
    assert set(wheel) == {"data", "app.py", "pages", ".streamlit/config.toml"}
    assert (ROOT / "ketl" / "py.typed").is_file()


def test_the_version_stands_in_one_place() -> None:
    assert (
        PROJECT["tool"]["hatch"]["version"]["path"] == "ketl/version.py" and "version" in PROJECT["project"]["dynamic"]
    )
    elsewhere = [p for p in (ROOT / "ketl").rglob("*.py") if f'"{ketl.__version__}"' in p.read_text("utf-8")]
    assert elsewhere == [ROOT / "ketl" / "version.py"]


def strings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


HAVE_FLAGS = {"cli", "simulator", "__main__.py"}
FOR_EVERYBODY = [p for p in (ROOT / "ketl").rglob("*.py") if p.relative_to(ROOT / "ketl").parts[0] not in HAVE_FLAGS]


def test_only_the_command_line_speaks_of_its_flags() -> None:
    spoken = [
        (path.relative_to(ROOT).as_posix(), text)
        for path in FOR_EVERYBODY
        for text in strings(path)
        if re.search(r"(?:^|[\s“`(])--[a-z]|python -m ketl", text)
    ]
    assert spoken == [], "a page and a Python program are shown these words too"


def test_every_logger_is_one_that_hides_secrets() -> None:
    own = {"ketl/logs.py", "ketl/__init__.py"}
    for path in (ROOT / "ketl").rglob("*.py"):
        if path.relative_to(ROOT).as_posix() not in own:
            assert "logging.getLogger" not in path.read_text("utf-8"), f"{path.name}: take ketl.logs.get_logger"


def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLEAN = {"name": "groq", "version": "1.7.0", "vulns": []}
UNKNOWN = {"name": "pandas", "skip_reason": "not found"}
HURT = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}]}


@pytest.mark.parametrize(
    ("rows", "status", "says"),
    [
        ([CLEAN], 0, "Audited 1 locked dependencies: no known vulnerability."),
        ([CLEAN, UNKNOWN], 0, "NOT AUDITED, since the service did not know them: pandas."),
        ([UNKNOWN, UNKNOWN], 0, "NOT AUDITED: no vulnerability service could be reached"),
        ([], 0, "NOT AUDITED"),
        (None, 0, "NOT AUDITED"),
        ([CLEAN, HURT, UNKNOWN], 1, "jinja2 2.10: PYSEC-2019-217, mended in 2.10.1"),
    ],
)
def test_a_vulnerability_fails_and_silence_is_called_silence(
    rows: list[dict[str, Any]] | None, status: int, says: str
) -> None:
    ended, said = audit().verdict(None if rows is None else {"dependencies": rows})
    assert ended == status and says in "\n".join(said)
