"""The rooms stand in their order, no circle is anywhere, and each foreign library has its one door."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# From the ground up: what stands in a room may import its own room and those above it in this list, nothing else.
ROOMS = (
    "errors settings language provider catalog checks prompts results planning engine store memory formats runs "
    "api cli ui"
).split()
# What every room may use: batches, figures in words, the words of messages, the shipped files, logging, the version.
GROUND = frozenset({"_batches", "_figures", "_words", "_shipped", "logs", "version"})
# The local server stands apart: it trusts none of the rooms it tests, and nobody but its starters knows it.
APART = "simulator"
DOORS = frozenset({"api", "cli", "ui"})
PURE = frozenset({"language", "catalog", "checks", "prompts", "results", "planning"})


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sources("ketl")}


def imported(path: Path) -> Iterator[str]:
    """Yield what a file imports, wherever in it and for whatever reason: typing-only imports count."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def needs(name: str) -> set[str]:
    """Return the modules of ours that a module imports; of `from package import module` only the module."""
    found = {other for other in imported(MODULES[name]) if other in MODULES} - {name}
    return {m for m in found if not any(other.startswith(f"{m}.") for other in found) and not name.startswith(f"{m}.")}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "ketl"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_only_its_own_room_and_those_below(name: str) -> None:
    room = room_of(name)
    if room in ("ketl", "__main__", APART) or room in GROUND:
        return
    assert room in ROOMS, f"ketl/{room} has no place yet: give it one in {Path(__file__).name}."
    for other in sorted(needs(name)):
        place = room_of(other)
        assert (
            place in GROUND
            or (place == APART and f"{name}" in STARTERS)
            or (place in ROOMS and ROOMS.index(place) <= ROOMS.index(room) and (place == room or place not in DOORS))
            or (place == "ketl" and room in DOORS)
        ), f"{name} imports {other} from a room that is not below its own."


STARTERS = {"ketl.runs.connection", "ketl.runs.local_client", "ketl.cli"}


def check_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None


def test_no_module_imports_itself_by_a_detour() -> None:
    check_no_circle({name: needs(name) for name in MODULES})


def test_no_room_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for name in MODULES:
        if room_of(name) not in ("ketl", "__main__"):
            graph[room_of(name)] |= {room_of(other) for other in needs(name)} - {room_of(name), "ketl"}
    check_no_circle(graph)


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
    client = {"ketl.provider.groq", "ketl.provider.groq_answers", "ketl.provider.groq_errors"}
    assert who_imports(library, "ketl") <= client


def test_only_the_store_imports_the_database_library() -> None:
    assert {room_of(name) for name in who_imports("sqlalchemy", "ketl")} == {"store", "memory"}


def test_only_its_starters_import_the_local_server() -> None:
    users = {name for name in who_imports("ketl.simulator", "ketl") if room_of(name) != APART}
    assert users == STARTERS


def test_nobody_imports_a_door() -> None:
    users = {(room_of(name), room_of(other)) for name in MODULES for other in needs(name) if room_of(other) in DOORS}
    assert all(user == door or user in ("ketl", "__main__") for user, door in users), users


def test_only_pages_import_pages_and_pages_import_only_the_ui() -> None:
    assert who_imports("pages", "ketl") == set()
    for path in sources("pages"):
        ours = {room_of(name) for name in imported(path) if name.startswith("ketl.")}
        assert ours <= {"ui"}, f"{path.name} reaches past ketl.ui: {ours}"


def test_the_pure_rooms_touch_no_network_no_loop_no_screen_and_no_clock() -> None:
    forbidden = {"asyncio", "threading", "socket", "http", "urllib", "streamlit", "sqlalchemy", "time", "aiohttp"}
    found = {
        (name, other)
        for name, path in MODULES.items()
        if room_of(name) in PURE
        for other in imported(path)
        if other.split(".")[0] in forbidden
    }
    assert found == set()


def test_the_local_server_knows_nothing_of_the_engine() -> None:
    known = {other for name in MODULES if room_of(name) == APART for other in needs(name) if room_of(other) != APART}
    assert {room_of(other) for other in known} <= {"errors", "language", "provider", *GROUND}
    assert {other for other in known if room_of(other) == "provider"} <= {"ketl.provider.models"}
