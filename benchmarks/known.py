"""Measures a run in which everything is known: units a second, memory, and what is left after the last answer.

`python -m benchmarks.known [--products N] [--languages N] [--runs N]` makes a catalogue, fills a translation memory
with every segment of it, and runs `translate` on it as a child; nothing is sent but the question which models live.
The same command on a catalogue of its first product alone, run in turn with it, tells what starting up takes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.neutral_text import pseudo_translate
from benchmarks.scenarios import TWELVE
from benchmarks.trial import ROOT, NeutralServer
from benchmarks.workload import make_products, write_catalog
from ketl.language.languages import find_languages
from ketl.memory.memory import Memory, Remembered
from ketl.runs.job import Job
from ketl.runs.selection import select
from ketl.store.store import Store


def entries(catalog: Path, languages: list[str]) -> Iterator[Remembered]:
    """Yield a translation for every segment of a catalogue, under the key that a run asks for."""
    selection = select(Job(catalog=str(catalog), languages=tuple(languages), glossary="none"))
    brief = selection.brief
    for segment, text in selection.cuttings.segments(selection.languages):
        yield Remembered(
            key=segment.key,
            language_tag=segment.language.tag,
            kind=segment.kind,
            source=segment.source,
            translation=pseudo_translate(segment.source, segment.language.tag),
            fingerprint=brief.fingerprint(brief.prepare(segment)),
            model="benchmark",
            product_id=text.product_id,
            field=text.field,
            item=text.item,
        )


def measure(folder: Path, server: NeutralServer, products: int, languages: list[str], runs: int) -> str:
    """Return in a sentence what runs of a known catalogue took, the median of `runs`."""
    catalog = write_catalog(folder / "known.jsonl", make_products(products))
    home = folder / "known-home"
    home.mkdir(exist_ok=True)
    url = f"sqlite:///{home / 'ketl.sqlite3'}"
    server.begin({"models": {}, "latency": {"kind": "zero"}})
    begun = time.perf_counter()
    with Store(url) as store:
        kept = Memory(store, "groq").remember(entries(catalog, languages))
    filled_s = time.perf_counter() - begun
    words = ["translate", "--glossary", "none", "--plan", "unlimited"]
    words += ["--out", str(folder / "known.csv"), "--report", str(folder / "known.json")]
    for language in languages:
        words += ["--language", language]
    facts: list[tuple[float, float, float, float, float]] = []
    alone = write_catalog(folder / "first.jsonl", make_products(1))
    for _ in range(runs):
        start, _report = _run(folder, home, server, [*words, "--catalog", str(alone)])
        cost, report = _run(folder, home, server, [*words, "--catalog", str(catalog)])
        beyond_s = cost["wall_s"] - start["wall_s"]
        facts.append((cost["wall_s"], beyond_s, report["makespan_s"], report["closing_s"], cost["peak_mb"]))
    wall_s, beyond_s, makespan_s, closing_s, peak_mb = (
        statistics.median(column) for column in zip(*facts, strict=True)
    )
    units = report["units"]
    return (
        f"{products:,} products into {len(languages)} language(s), all {units:,} units known: {wall_s:.2f} s from the "
        f"command's start to its end, {beyond_s:.2f} s beyond starting up, {units / beyond_s:,.0f} units a second; "
        f"makespan {makespan_s:.2f} s, from the last end to the written file {closing_s:.3f} s "
        f"({closing_s / makespan_s:.1%} of it); {peak_mb:.0f} MB. "
        f"Filling the memory with {kept:,} translations took {filled_s:.1f} s."
    )


def _run(folder: Path, home: Path, server: NeutralServer, words: list[str]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return what one command line cost (see `benchmarks.ours`), and its report."""
    subprocess.run(
        [sys.executable, "-m", "benchmarks.ours", str(folder / "facts.json"), *words],
        cwd=ROOT,
        env={
            **os.environ,
            "GROQ_API_KEY": "gsk_benchmark_key_of_no_account",
            "GROQ_BASE_URL": server.url,
            "KETL_HOME": str(home),
        },
        capture_output=True,
        check=True,
    )
    report = json.loads((folder / "known.json").read_text())
    assert report["from_memory"] == report["units"] and report["requests"] == 0, report
    return json.loads((folder / "facts.json").read_text()), report


def main() -> int:
    """Run the measurement and print its sentence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.known", description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--languages", type=int, default=1, help=f"how many of {len(TWELVE)}")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    tags = [language.tag for language in find_languages(TWELVE[: options.languages])]
    with tempfile.TemporaryDirectory() as folder, NeutralServer() as server:
        print(measure(Path(folder), server, options.products, tags, options.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
