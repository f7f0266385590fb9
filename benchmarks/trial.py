"""Runs one contestant once in one scenario against the neutral server, and returns what was measured."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.neutral_text import pseudo_translate
from benchmarks.scenarios import Scenario
from benchmarks.workload import make_products, peer_items, segments_of, write_catalog
from ketl.catalog import placeables

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one run of one contestant gave. `right` of `units` texts came back as the server wrote them.

    `cpu_ms` is client CPU per unit, `first_s` the time to the first result (None: not told), `stats` what the
    server counted; a contestant that did not end in time has `ended` False.
    """

    contestant: str
    units: int
    right: int
    makespan_s: float
    cpu_ms: float
    peak_mb: float
    first_s: float | None
    stats: Mapping[str, Any]
    ended: bool = True
    scaled_from: int = 0

    @property
    def refusals(self) -> int:
        """How often the server had to say that a limit is reached."""
        return int(self.stats.get("refused_429", 0) + self.stats.get("refused_413", 0))

    @property
    def billed_again(self) -> int:
        """How many answers were made for segments that had a good one already."""
        return int(self.stats.get("billed_again", 0))


class NeutralServer:
    """The neutral server as a child process; a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.neutral_server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Start a scenario with full buckets and empty counts."""
        self._ask("/control", json.dumps(settings).encode())

    def stats(self) -> dict[str, Any]:
        """Return what was counted since the scenario began."""
        found: dict[str, Any] = json.loads(self._ask("/stats"))
        return found

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(self.url + path, body, timeout=10) as answer:
            read: bytes = answer.read()
            return read


def catalog_of(scenario: Scenario, folder: Path) -> Path:
    """Return the scenario's catalogue, written when first asked for."""
    path = folder / f"{scenario.name}.jsonl"
    if not path.exists():
        write_catalog(path, make_products(scenario.products, texts=scenario.texts, spread=scenario.spread))
    return path


def run_ours(scenario: Scenario, server: NeutralServer, folder: Path, *, extra: tuple[str, ...] = ()) -> Trial:
    """Run the product's own command line on the scenario."""
    catalog = catalog_of(scenario, folder)
    facts, report, out = folder / "facts.json", folder / "report.json", folder / "out.csv"
    plan = "auto"
    if scenario.told:
        plan_file = folder / "plan.json"
        plan_file.write_text(json.dumps({model: dict(scenario.limits) for model in scenario.models}))
        plan = str(plan_file)
    words = ["translate", "--catalog", str(catalog), "--no-memory", "--pack", scenario.pack, "--plan", plan]
    words += ["--glossary", "none", "--report", str(report), "--out", str(out), *extra]
    for language in scenario.languages:
        words += ["--language", language]
    server.begin(scenario.server_settings())
    home = folder / "home"
    for old in home.glob("**/*") if home.exists() else ():
        if old.is_file():
            old.unlink()
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.ours", str(facts), *words],
        cwd=ROOT,
        env={**_environment(server), "KETL_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if child.returncode not in (0, 1):
        raise RuntimeError(f"ours ended with status {child.returncode}: {child.stderr[-2000:]}")
    said, cost = json.loads(report.read_text()), json.loads(facts.read_text())
    return Trial(
        contestant="ours",
        units=scenario.units,
        right=_count_right(out, catalog, scenario),
        makespan_s=said["makespan_s"],
        cpu_ms=1000 * cost["cpu_s"] / scenario.units,
        peak_mb=cost["peak_mb"],
        first_s=said["first_result_s"],
        stats=server.stats(),
    )


def run_peer(scenario: Scenario, server: NeutralServer, folder: Path, peer: str, python: str = sys.executable) -> Trial:
    """Run a peer on the very calls that ours makes with one segment a request."""
    items, result = folder / f"{scenario.name}.items.jsonl", folder / "peer.json"
    if not items.exists():
        with items.open("w", encoding="utf-8") as file:
            for item in peer_items(catalog_of(scenario, folder), list(scenario.languages), list(scenario.models)):
                file.write(json.dumps(item) + "\n")
    server.begin(scenario.server_settings())
    spec = {"peer": peer, "items": str(items), "out": str(result), "k": scenario.k, "url": server.url,
            "limits": dict(scenario.limits) if scenario.told else {}}  # fmt: skip
    result.unlink(missing_ok=True)
    try:
        subprocess.run(
            [python, "-m", "benchmarks.peers", json.dumps(spec)],
            cwd=ROOT, env=_environment(server), capture_output=True, text=True, timeout=120.0, check=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Trial(contestant=peer, units=scenario.units, right=0, makespan_s=120.0, cpu_ms=0.0, peak_mb=0.0,
                     first_s=None, stats=server.stats(), ended=False)  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{peer} failed: {error.stderr[-2000:]}") from error
    cost = json.loads(result.read_text())
    return Trial(
        contestant=peer,
        units=scenario.units,
        right=cost["right"],
        makespan_s=cost["makespan_s"],
        cpu_ms=1000 * cost["cpu_s"] / cost["sent"],
        peak_mb=cost["peak_mb"],
        first_s=cost["first_s"],
        stats=server.stats(),
        scaled_from=cost["sent"] if cost["sent"] != scenario.units else 0,
    )


def _environment(server: NeutralServer) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KETL_", "GROQ_"))}
    return {**kept, "GROQ_API_KEY": "x", "GROQ_BASE_URL": server.url, "PYTHONPATH": str(ROOT)}


def _count_right(out: Path, catalog: Path, scenario: Scenario) -> int:
    """Return how many rows hold the letters that the server wrote for them; typography may differ."""
    wanted = {
        (item.segment.source, item.segment.language.tag): _letters(
            placeables.restore(pseudo_translate(item.hidden.text, item.segment.language.tag), item.hidden).text
        )
        for item in segments_of(catalog, list(scenario.languages))
    }
    with out.open(encoding="utf-8-sig", newline="") as file:
        return sum(
            row["status"] == "translated"
            and _letters(row["translation"]) == wanted.get((row["source"], row["language_tag"]))
            for row in csv.DictReader(file)
        )


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))
