"""Changes the program in small ways, one at a time, in a copy of the tree, and tells which changes no test notices.

    python tests/tools/mutate.py [area …] [--list] [--only WORDS] [--timeout SECONDS]

The changes stand in mutants/<area>.toml. Exit status: 0 all noticed, 1 some survived, 2 an entry cannot be tried.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = Path(__file__).resolve().parent / "mutants"
TIMEOUT_S = 180.0

# What pytest says when a test failed, and when the change left nothing that can be imported.
_NOTICED = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: the text `old` of `file`, which stands there once, becomes `new`; `tests` ought to notice."""

    area: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


class EntryError(Exception):
    """An entry that cannot be tried: its text is not found once, or its tests fail without it."""


def read_mutants(folder: Path, areas: Sequence[str] = ()) -> list[Mutant]:
    """Return the changes listed in a folder, of all areas or of those named.

    Raises EntryError for an unknown area and for an entry with other keys than a mutant has.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for area in areas:
        if area not in files:
            raise EntryError(f"There is no area “{area}”. There are: {', '.join(files)}.")
    found = []
    for area, path in files.items():
        if areas and area not in areas:
            continue
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]:
            try:
                found.append(Mutant(area=area, **{**entry, "tests": tuple(entry["tests"])}))
            except (KeyError, TypeError) as error:
                raise EntryError(f"{path.name}, “{entry.get('name')}”: {error}") from error
    return found


def mutated(tree: Path, mutant: Mutant) -> str:
    """Return the file's text with the change made; raises EntryError unless `old` stands there exactly once."""
    path = tree / mutant.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(mutant.old) != 1:
        raise EntryError(f"{mutant.area}: “{mutant.name}”: its text stands {text.count(mutant.old)}× in {mutant.file}.")
    if mutant.new == mutant.old:
        raise EntryError(f"{mutant.area}: “{mutant.name}” changes nothing.")
    for test in mutant.tests:
        if not (tree / test.partition("::")[0]).exists():
            raise EntryError(f"{mutant.area}: “{mutant.name}”: there is no {test}.")
    return text.replace(mutant.old, mutant.new)


def run_tests(tree: Path, tests: Iterable[str], timeout_s: float) -> tuple[int | None, str]:
    """Run tests in a tree until the first fails; return pytest's exit status, None when time ran out, and its words."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=short", "-p", "no:cacheprovider", *tests]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, cwd=tree, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        ) as running,
    ):
        status: int | None = None
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = running.wait(timeout_s)
        finally:
            # A test that hangs may have started a server of its own.
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
        said.seek(0)
        return status, said.read().decode("utf-8", "replace")


def is_noticed(tree: Path, mutant: Mutant, timeout_s: float) -> bool:
    """Try one change in a tree, put the file back, and tell whether a test noticed; a hang counts as noticed."""
    path = tree / mutant.file
    before, after = path.read_bytes(), mutated(tree, mutant)
    try:
        path.write_text(after, encoding="utf-8")
        status, _ = run_tests(tree, mutant.tests, timeout_s)
    finally:
        path.write_bytes(before)
    if status not in (0, None, *_NOTICED):
        raise EntryError(f"{mutant.area}: “{mutant.name}”: pytest could not run {', '.join(mutant.tests)}.")
    return status != 0


def copy_tree(source: Path, target: Path) -> None:
    """Copy the files that version control knows or would take, as they stand now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        check=True,
        capture_output=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    # Compiled once with the hash of its source inside, so that a changed file is never taken for the old one.
    compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "ketl"]
    subprocess.run(compiling, cwd=target, check=False, stdout=subprocess.DEVNULL)


def try_all(tree: Path, mutants: Sequence[Mutant], timeout_s: float) -> tuple[list[str], list[str]]:
    """Try every change in a tree and print its end; return the names of the survivors, and what went wrong."""
    survivors: list[str] = []
    wrong: list[str] = []
    unsound: dict[tuple[str, ...], str] = {}
    for mutant in mutants:
        begun = time.monotonic()
        try:
            mutated(tree, mutant)
            # A test that fails anyway notices everything.
            if mutant.tests not in unsound:
                status, said = run_tests(tree, mutant.tests, timeout_s)
                unsound[mutant.tests] = "" if status == 0 else said[-2_000:] or "Time ran out."
            if unsound[mutant.tests]:
                raise EntryError(
                    f"{mutant.area}: “{mutant.name}”: {', '.join(mutant.tests)} fail without it.\n"
                    f"{unsound[mutant.tests]}"
                )
            word = "killed" if is_noticed(tree, mutant, timeout_s) else "SURVIVED"
        except EntryError as error:
            wrong.append(str(error))
            word = "ERROR"
        if word == "SURVIVED":
            survivors.append(f"{mutant.area}: {mutant.name}")
        print(f"{word:9}{time.monotonic() - begun:6.1f} s  {mutant.area}: {mutant.name}", flush=True)
    return survivors, wrong


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT, folder: Path = MUTANTS) -> int:
    """Do what the command line says and return the exit status."""
    parser = argparse.ArgumentParser(description="Tell which small changes of the program no test notices.")
    parser.add_argument("area", nargs="*", help="areas to try, all by default")
    parser.add_argument("--list", action="store_true", help="list the changes and try none")
    parser.add_argument("--only", metavar="WORDS", default="", help="only changes whose name holds these words")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=TIMEOUT_S, help="longest run of a change")
    told = parser.parse_args(arguments)
    try:
        mutants = [m for m in read_mutants(folder, told.area) if told.only in m.name]
    except EntryError as error:
        print(error, file=sys.stderr)
        return 2
    if told.list:
        for mutant in mutants:
            print(f"{mutant.area}: {mutant.name} ({mutant.file})")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as where:
        tree = Path(where)
        copy_tree(root, tree)
        survivors, wrong = try_all(tree, mutants, told.timeout)
    print(f"{len(mutants) - len(survivors) - len(wrong)} of {len(mutants)} killed.")
    for line in [*(f"Survived: {name}" for name in survivors), *wrong]:
        print(line)
    return 2 if wrong else 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
