"""Imports run one way, and each foreign library has its one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# From the ground up: a module may import from its own storey and from those below, never from above.
STOREYS: tuple[tuple[str, frozenset[str]], ...] = (
    ("errors", frozenset({"errors"})),
    (
        "core: pure values and rules",
        frozenset(
            "catalog catalog_files languages models plans wire placeables timing settings jobs limits retries prompts "
            "units glossary brand_voice routing checks crosschecks results events tmx exports briefs packing".split()
        ),
    ),
    ("store", frozenset({"store"})),
    ("what is kept and counted", frozenset({"memory", "outcomes", "outdated", "learning", "review", "report"})),
    ("the provider, real and local", frozenset({"client", "simulator", "engine"})),
    ("planning", frozenset({"forecast", "planning", "selection"})),
    ("session", frozenset({"session"})),
    ("execution", frozenset({"execution", "intake", "closing", "termsheet"})),
    ("doors", frozenset({"api", "runs", "batch", "batches"})),
    ("people", frozenset({"cli", "ui", "__main__", "ketl"})),
)
HEIGHT = {name: height for height, (_, names) in enumerate(STOREYS) for name in names}
CORE = STOREYS[1][1]


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, *, at_import: bool = False) -> Iterator[str]:
    """Yield what a file imports; `at_import`: only what happens when it is imported itself."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body if at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in HEIGHT else "ketl"


@pytest.mark.parametrize("path", sources("ketl"), ids=module_of)
def test_a_module_imports_only_from_its_own_storey_and_below(path: Path) -> None:
    parts = module_of(path).split(".")
    room = parts[1] if len(parts) > 1 else "ketl"
    assert room in HEIGHT, f"ketl/{room} has no storey yet: give it one in {Path(__file__).name}."
    for name in imported(path):
        if name.startswith("ketl.") and name.split(".")[1] in HEIGHT and room != "ketl":
            other = name.split(".")[1]
            assert HEIGHT[other] <= HEIGHT[room], f"{module_of(path)} imports {name} from a storey above."


def test_no_module_imports_itself_by_a_detour() -> None:
    modules = {module_of(path): path for path in sources("ketl")}
    # `from ketl.checks import base` needs the module base, and of its package only what was made before it.
    graph = {
        name: {m for m in set(imported(path, at_import=True)) if m in modules and not name.startswith(f"{m}.")} - {name}
        for name, path in modules.items()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None


def who_imports(library: str, *folders: str) -> set[str]:
    return {
        module_of(path)
        for path in sources(*folders)
        if any(name == library or name.startswith(f"{library}.") for name in imported(path))
    }


def test_only_the_page_s_package_imports_streamlit() -> None:
    assert {name.rsplit(".", 1)[0] for name in who_imports("streamlit", "ketl")} == {"ketl.ui"}


@pytest.mark.parametrize("library", ["groq", "httpx", "aiohttp", "httpx_aiohttp"])
def test_only_the_client_speaks_to_the_provider(library: str) -> None:
    assert who_imports(library, "ketl") == {"ketl.provider.groq"}


def test_only_the_store_imports_the_database_library() -> None:
    users = who_imports("sqlalchemy", "ketl")
    assert all(name.startswith(("ketl.store", "ketl.memory")) for name in users), usersname.startswith("ketl.store") or name.startswith("ketl.memory") for name in users), users


def test_only_its_starters_import_the_local_server() -> None:
    users = {name for name in who_imports("ketl.simulator", "ketl") if not name.startswith("ketl.simulator")}
    assert users == {"ketl.runs.connection", "ketl.cli"}


def test_only_pages_import_pages_and_pages_import_only_the_ui() -> None:
    assert who_imports("pages", "ketl") == set()
    for path in sources("pages"):
        ours = {room_of(name) for name in imported(path) if name.startswith("ketl.")}
        assert ours <= {"ui"}, f"{path.name} reaches past ketl.ui: {ours}"


def test_the_core_touches_no_network_no_loop_no_screen_and_no_clock() -> None:
    forbidden = {"asyncio", "threading", "socket", "http", "urllib.request", "streamlit", "sqlalchemy", "time"}
    found = {
        (module_of(path), name)
        for path in sources("ketl")
        if room_of(module_of(path)) in CORE
        for name in imported(path)
        if name in forbidden or name.split(".")[0] in forbidden - {"urllib.request"}
    }
    assert found == set()


def test_the_local_server_knows_nothing_of_the_engine() -> None:
    known = {
        name.split(".")[1] for path in sources("ketl/simulator") for name in imported(path) if name.startswith("ketl.")
    }
    assert known <= {"simulator", "errors", "languages", "models"}
