"""Measures what several command lines pay twice that translate the same catalogue at once, over one database.

`python -m benchmarks.together [--processes N] [--products N] [--kill] [--database URL]` starts one local server and so
many command lines; the server counts what it was asked for. `--kill` ends the first command line hard in the middle of
its work: the others must finish, and exactly one of them asks for each text that the dead one left. Exits 1 when more
than 2 in 100 segments were billed twice (with `--kill`: more than were in flight), one more than twice, a file is not
whole, or a command line failed.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Table, func, select

from benchmarks.workload import make_products, write_catalog
from ketl.simulator import RunningSimulator, SimulatorConfig, start_simulator
from ketl.store.store import Store
from ketl.store.tables import CLAIMS, MEMORY, METADATA

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("--language", "es", "--language", "ja")
MOST_TWICE = 0.02
_SLOWER = 8.0


def begin(number: int, folder: Path, catalog: Path, server: RunningSimulator, database: str) -> subprocess.Popen[bytes]:
    """Start one command line, with nothing of the person's own settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GROQ_", "KETL_"))}
    env |= {
        "GROQ_API_KEY": "gsk_" + "0" * 20,
        "GROQ_BASE_URL": server.base_url,
        "KETL_HOME": str(folder),
        "KETL_DATABASE_URL": database,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "ketl", "translate", "--catalog", str(catalog), *LANGUAGES]
    command += ["--plan", "unlimited", "--pack", "2", "--out", str(folder / f"{number}.csv")]
    with (folder / f"{number}.log").open("wb") as log:
        return subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder)


def empty(database: str) -> None:
    """Make the database, with nothing in it."""
    with Store(database) as store, store.database.transaction() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())


def count(store: Store, table: Table) -> int:
    """Return how many rows a table has."""
    with store.database.transaction() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def kill_in_the_middle(child: subprocess.Popen[bytes], database: str, kept: int) -> None:
    """End a command line hard when the memory has so many of its translations, and say how far it was."""
    with Store(database) as store:
        while child.poll() is None and count(store, MEMORY) < kept:
            time.sleep(0.02)
        child.kill()
        child.wait()
        print(f"killed with {count(store, MEMORY)} translations kept and {count(store, CLAIMS)} claims held")


def blank_rows(path: Path) -> tuple[int, int]:
    """Return a result's rows, and those without a translation."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return len(rows), sum(not (row.get("translation") or row.get("es")) for row in rows)


def main() -> int:
    """Measure once and print what was counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.together", description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--products", type=int, default=40)
    parser.add_argument("--kill", action="store_true", help="end the first command line hard in the middle")
    parser.add_argument("--database", help="everything in it is deleted (default: a SQLite file of its own)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = options.database or f"sqlite:///{folder / 'ketl.sqlite3'}"
        empty(database)
        catalog = folder / "catalog.jsonl"
        write_catalog(catalog, make_products(options.products))
        # Slow answers leave time to kill in the middle.
        scale = _SLOWER if options.kill else 1.0
        with start_simulator(config=SimulatorConfig(plan="unlimited", time_scale=scale)) as server:
            children = [begin(0, folder, catalog, server, database)]
            if options.kill:
                while server.stats(seen=False)["segments"] == 0 and children[0].poll() is None:
                    time.sleep(0.02)
            children += [begin(n, folder, catalog, server, database) for n in range(1, options.processes)]
            if options.kill:
                kill_in_the_middle(children[0], database, options.products)
            statuses = [child.wait() for child in children]
            stats = server.stats()
        again: dict[tuple[str, str], int] = {}
        for _, tag, source, times in stats["seen"]:
            again[tag, source] = again.get((tag, source), 0) + times
        asked, most = sum(again.values()), max(again.values(), default=0)
        twice = asked - len(again)
        alive = range(1 if options.kill else 0, options.processes)
        files = {n: blank_rows(folder / f"{n}.csv") for n in alive if (folder / f"{n}.csv").exists()}
        for number in range(options.processes):
            print(f"process {number}: exit {statuses[number]}, rows and blank ones {files.get(number)}")
            print("   ", (folder / f"{number}.log").read_text(encoding="utf-8", errors="replace").strip()[-300:])
        with Store(database) as store:
            left = count(store, CLAIMS)
        print(
            f"{len(again)} different segments, {asked} asked, {twice} again ({twice / max(1, len(again)):.1%}), ",
            end="",
        )
        print(f"the most often asked {most} times; claims left {left}")
        whole = len({files.get(n) for n in alive}) == 1 and all(n in files for n in alive)
        fine = whole and all(statuses[n] == 0 for n in alive) and (options.kill or twice <= MOST_TWICE * len(again))
        return 0 if fine and most <= 2 else 1


if __name__ == "__main__":
    sys.exit(main())
