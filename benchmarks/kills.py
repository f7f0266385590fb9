"""Kills real runs at random points and finishes them: what is lost, what is wrong, what is paid twice.

`python -m benchmarks.kills [--kills N] [--database sqlite|postgresql|both] [--seed N] [--only PLACE]` starts
`python -m ketl translate` against a local server of its own, sends it SIGKILL, goes on with `--resume`, and compares
the file with that of an undisturbed run. Of the kills 60 % come anywhere from the start of the command to after its
end, 20 % while a large result file is written, all answers being in memory, and 20 % in the baseline of a comparison.
The status is 1 when a row was lost or wrong, a draft left beside the file, or a run could not be finished.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.trial import ROOT
from benchmarks.workload import make_products, write_catalog
from ketl.provider.models import MODELS
from ketl.simulator import RunningSimulator, SimulatorConfig, start_simulator
from ketl.store.records import RunRecord, RunStatus
from ketl.store.store import Store
from tests.store.postgres import Cluster, private_cluster

PLACES = ("anywhere", "writing", "baseline")
_SHARE = {"anywhere": 0.6, "writing": 0.2, "baseline": 0.2}
_LIMITS = {"rpm": 4_500, "rpm_burst": 12}
# What may differ between two right files: how long a row took, where it came from, which of two models wrote it.
_MAY_DIFFER = frozenset({"seconds", "from_memory", "model"})
_END_S = 120.0

Rows = Mapping[tuple[str, ...], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """A run that nobody killed: its rows, its seconds, its requests, and how long its draft had a name."""

    rows: Rows
    wall_s: float
    requests: int
    parallel: int
    draft_s: float


@dataclass(slots=True, kw_only=True)
class Kill:
    """What one kill did. `paid_twice` counts texts that were answered twice; `in_flight` requests at the kill."""

    place: str
    database: str
    when: str
    in_flight: int = 0
    paid_twice: int = 0
    lost: int = 0
    wrong: int = 0
    drafts: int = 0
    failed: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was lost, wrong, left behind or unfinished."""
        return not (self.lost or self.wrong or self.drafts or self.failed)


@dataclass(slots=True)
class Bench:
    """A server, a folder, and what is translated in each place."""

    server: RunningSimulator
    folder: Path
    rng: random.Random
    cluster: Cluster | None
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def words(self, place: str, out: Path) -> list[str]:
        """Return the command line for a place."""
        catalog = {"anywhere": "many.jsonl", "writing": "large.jsonl", "baseline": "few.jsonl"}[place]
        words = ["translate", "--catalog", str(self.folder / catalog), "--glossary", "none", "--pack", "1"]
        words += ["--plan", str(self.folder / "plan.json"), "--language", "es", "--language", "ja"]
        if place == "baseline":
            words += ["--mode", "compare", "--baseline", "measured"]
        return [*words, "--out", str(out)]

    @contextmanager
    def home(self, database: str) -> Iterator[tuple[Path, dict[str, str], str]]:
        """Yield a new folder, an environment with a new database, and the database's address."""
        number = next(self.numbers)
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            home = Path(name)
            url = f"sqlite:///{home / 'ketl.sqlite3'}"
            if database == "postgresql":
                assert self.cluster is not None
                url = self.cluster.create(f"kill{number}")
            (home / "out").mkdir()
            environment = {
                **{k: v for k, v in os.environ.items() if not k.startswith(("GROQ_", "KETL_"))},
                "GROQ_API_KEY": "gsk_benchmark_key_of_no_account",
                "GROQ_BASE_URL": self.server.base_url,
                "KETL_HOME": str(home),
                "KETL_DATABASE_URL": url,
                "PYTHONPATH": str(ROOT),
            }
            yield home, environment, url

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start the command."""
        return subprocess.Popen(
            [sys.executable, "-m", "ketl", *words],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def requests(self) -> tuple[int, int]:
        """Return how many requests the server had and how many it has now."""
        stats = self.server.stats(seen=False)
        return stats["requests"], stats["in_flight"]

    def undisturbed(self, place: str, database: str) -> Undisturbed:
        """Run a place's command to its end."""
        self.server.reset()
        with self.home(database) as (home, environment, _):
            out = home / "out" / "rows.csv"
            begun = time.perf_counter()
            process = self.start([*self.words(place, out), "--report", str(home / "report.json")], environment)
            draft_s = _seconds_of_draft(self, process, out)
            said = process.communicate(timeout=_END_S)[1]
            if process.returncode:
                raise RuntimeError(f"the undisturbed run ended with {process.returncode}: {said.decode()[-400:]}")
            wall_s = time.perf_counter() - begun
            report = json.loads((home / "report.json").read_text())
            return Undisturbed(
                rows=rows_of(out),
                wall_s=wall_s,
                requests=self.requests()[0],
                parallel=report["requests"],
                draft_s=draft_s,
            )

    def kill(self, place: str, database: str, calm: Undisturbed) -> Kill:
        """Kill a run somewhere in this place, finish it, and look what came of it."""
        self.server.reset()
        with self.home(database) as (home, environment, url):
            out = home / "out" / "rows.csv"
            words = self.words(place, out)
            process = self.start(words, environment)
            _AIMS[place](self, process, out, calm)
            in_flight = self.requests()[1]
            process.kill()
            process.communicate()
            run = last_run(url)
            state = "not journalled" if run is None else run.status.value
            found = Kill(place=place, database=database, when=state, in_flight=in_flight)
            if not (
                run is not None and run.status is RunStatus.FINISHED and out.exists() and rows_of(out) == calm.rows
            ):
                again = words if run is None else ["translate", "--resume", run.run_id, "--out", str(out)]
                self._finish(again, environment, found)
            found.drafts = sum(1 for path in out.parent.iterdir() if path != out)
            self._compare(found, out, calm)
            return found

    def _finish(self, words: Sequence[str], environment: Mapping[str, str], found: Kill) -> None:
        process = self.start(words, environment)
        try:
            said = process.communicate(timeout=_END_S)[1].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            found.failed = "did not end"
            return
        if process.returncode:
            found.failed = f"exit {process.returncode}: {said.strip().splitlines()[-1][-160:] if said.strip() else ''}"

    def _compare(self, found: Kill, out: Path, calm: Undisturbed) -> None:
        rows = rows_of(out) if out.exists() else {}
        found.lost = len(calm.rows.keys() - rows.keys())
        found.wrong = sum(1 for key, row in rows.items() if calm.rows.get(key) != row)
        stats = self.server.stats()
        times: Counter[tuple[str, str]] = Counter()
        for _model, tag, source, count in stats["seen"]:
            times[tag, source] += count
        # A baseline asks everything a second time by intent, and once more when it begins anew.
        again = sum(count - 1 for count in times.values())
        if found.place == "baseline":
            again = max(0, stats["requests"] - calm.requests)
        found.paid_twice = again


def rows_of(path: Path) -> Rows:
    """Return a result file's rows by product, field, item and language, without what may differ."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {
            tuple(row[name] for name in ("product_id", "field", "item", "language")): {
                name: value for name, value in row.items() if name not in _MAY_DIFFER
            }
            for row in csv.DictReader(file)
        }


def last_run(url: str) -> RunRecord | None:
    """Return the newest run in a database, None where none was begun."""
    with Store(url) as store:
        return next(iter(store.journal.runs(1)), None)


def _seconds_of_draft(bench: Bench, process: subprocess.Popen[bytes], out: Path) -> float:
    """Wait for the end and return the seconds in which a draft of the file had a name."""
    while process.poll() is None and not bench.requests()[0]:
        time.sleep(0.02)
    seen_s = 0.0
    before = time.perf_counter()
    while process.poll() is None:
        time.sleep(0.0005)
        now = time.perf_counter()
        if _has_draft(out):
            seen_s += now - before
        before = now
    return seen_s


def _has_draft(out: Path) -> bool:
    return any(name.endswith(".part") for name in os.listdir(out.parent))


def _aim_anywhere(bench: Bench, process: subprocess.Popen[bytes], out: Path, calm: Undisturbed) -> None:
    _sleep(process, bench.rng.uniform(0.0, 1.05 * calm.wall_s))


def _aim_at_writing(bench: Bench, process: subprocess.Popen[bytes], out: Path, calm: Undisturbed) -> None:
    while process.poll() is None:
        requests, in_flight = bench.requests()
        if requests >= calm.requests and not in_flight:
            break
        time.sleep(0.005)
    if bench.rng.random() < 0.5:
        # Anywhere from the last answer to the end.
        _sleep(process, bench.rng.uniform(0.0, 0.5 * calm.wall_s))
        return
    while process.poll() is None and not _has_draft(out):
        time.sleep(0.0002)
    _sleep(process, bench.rng.uniform(0.0, calm.draft_s))


def _aim_at_baseline(bench: Bench, process: subprocess.Popen[bytes], out: Path, calm: Undisturbed) -> None:
    last = bench.rng.randint(calm.parallel + 1, calm.requests)
    while process.poll() is None and bench.requests()[0] < last:
        time.sleep(0.005)


_AIMS: Mapping[str, Callable[[Bench, subprocess.Popen[bytes], Path, Undisturbed], None]] = {
    "anywhere": _aim_anywhere,
    "writing": _aim_at_writing,
    "baseline": _aim_at_baseline,
}


def _sleep(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def make_catalogs(folder: Path) -> None:
    """Write the three catalogues, and the plan that keeps requests in flight for some seconds."""
    write_catalog(folder / "many.jsonl", make_products(100))
    write_catalog(folder / "few.jsonl", make_products(5))
    # Few texts on very many products: all answers are there long before the file is written.
    rows = [{**row, "product_id": None} for row in make_products(12)]
    large = ({**rows[number % len(rows)], "product_id": number} for number in range(1, 6_001))
    write_catalog(folder / "large.jsonl", large)
    (folder / "plan.json").write_text(json.dumps(dict.fromkeys(MODELS, _LIMITS)))


def table(kills: Sequence[Kill]) -> str:
    """Return the kills as a table, a row for each database and place."""
    heads = (
        *("database", "killed", "kills", "not journalled / in the run / after its end", "rows lost", "rows wrong"),
        *("drafts left", "not finished", "in flight, mean and most", "paid twice, mean and most"),
        "most beyond in flight",
    )
    lines = [f"| {' | '.join(heads)} |", "|---|---|" + "---:|" * (len(heads) - 2)]
    for database in dict.fromkeys(kill.database for kill in kills):
        for place in PLACES:
            some = [kill for kill in kills if (kill.database, kill.place) == (database, place)]
            if not some:
                continue
            when = Counter(kill.when for kill in some)
            split = f"{when['not journalled']} / {when['interrupted']} / {when['finished']}"
            cells = [database, place, len(some), split]
            cells += [sum(getattr(kill, name) for kill in some) for name in ("lost", "wrong", "drafts")]
            cells.append(sum(bool(kill.failed) for kill in some))
            for name in ("in_flight", "paid_twice"):
                values = [getattr(kill, name) for kill in some]
                cells.append(f"{statistics.mean(values):.1f}, {max(values)}")
            cells.append(max(0, *(kill.paid_twice - kill.in_flight for kill in some)))
            lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Run the kills and print their table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of each database")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--only", choices=PLACES)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    databases = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    places = [place for place in PLACES for _ in range(round(options.kills * _SHARE[place]))]
    if options.only:
        places = [options.only] * options.kills
    kills: list[Kill] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ketl-kills-")))
        make_catalogs(folder)
        config = SimulatorConfig(plan="unlimited", latency_s=(0.05, 0.4), seed=options.seed)
        server = stack.enter_context(start_simulator(config=config))
        cluster = stack.enter_context(private_cluster()) if "postgresql" in databases else None
        bench = Bench(server, folder, random.Random(options.seed), cluster)
        for database in databases:
            calm = {place: bench.undisturbed(place, database) for place in dict.fromkeys(places)}
            for place, run in calm.items():
                print(
                    f"{database}, {place}, undisturbed: {len(run.rows):,} rows, {run.wall_s:.1f} s, "
                    f"{run.requests} requests, draft named for {run.draft_s * 1000:.0f} ms",
                    file=sys.stderr,
                )
            for number, place in enumerate(places, 1):
                done = bench.kill(place, database, calm[place])
                kills.append(done)
                if not done.good or number % 10 == 0:
                    print(f"{database} {number}/{len(places)}: {done}", file=sys.stderr, flush=True)
    print(f"Seed {options.seed}; per database {len(places)} kills.\n\n{table(kills)}")
    return 0 if all(kill.good for kill in kills) else 1


if __name__ == "__main__":
    sys.exit(main())
