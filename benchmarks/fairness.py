"""Measures whether a small run started beside a large one is held up by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.scenarios import DRAWN, MODELS, TWELVE
from benchmarks.workload import make_products, write_catalog

if TYPE_CHECKING:
    from benchmarks.trial import NeutralServer

LARGE_PRODUCTS = 278  # × 3 texts × 12 languages: 10,008 units
_LIMITS = {"rpm": 60_000, "rpm_burst": 300}


def measure(server: NeutralServer, folder: Path) -> str:
    """Run 9 units alone, then beside 10,008, in one process, and return the finding as a sentence."""
    server.begin({"models": {model: dict(_LIMITS) for model in MODELS}, "latency": dict(DRAWN)})
    large = write_catalog(folder / "fair-large.jsonl", make_products(LARGE_PRODUCTS))
    small = write_catalog(folder / "fair-small.jsonl", make_products(1, seed=8))
    plan = folder / "fair-plan.json"
    plan.write_text(json.dumps(dict.fromkeys(MODELS, _LIMITS)))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fairness", str(large), str(small), str(plan)],
        env={**os.environ, "GROQ_API_KEY": "x", "GROQ_BASE_URL": server.url, "KETL_HOME": str(folder / "fair-home")},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    alone_s, beside_s, at_share = json.loads(done.stdout)
    return (
        f"Fairness: 9 units take {alone_s:.2f} s alone and {beside_s:.2f} s beside a run of "
        f"{LARGE_PRODUCTS * 36:,} units ({beside_s / alone_s:.1f} ×), which was {at_share:.0%} done by then."
    )


def main() -> None:
    """Make the three runs in this process and print the seconds as JSON."""
    from ketl.formats.catalog_files import open_catalog
    from ketl.runs.host import RunHost, RunView
    from ketl.runs.job import Job
    from ketl.settings import load_settings

    large, small, plan = sys.argv[1:]
    runs = RunHost(load_settings())

    def start(catalog: str, languages: tuple[str, ...]) -> RunView:
        job = Job(languages=languages, pack=1, plan=plan, memory=False, glossary="none")
        return runs.start(job, open_catalog(catalog))

    def finish(live: RunView) -> float:
        while live.live:
            time.sleep(0.005)
        if live.result is None or live.status != "finished":
            raise SystemExit(live.error or live.status)
        return float(live.result.report["makespan_s"])

    three = TWELVE[:3]
    finish(start(small, three))  # the first run opens the connections
    alone_s = finish(start(small, three))
    busy = start(large, TWELVE)
    while busy.ended < 500:
        time.sleep(0.005)
    beside_s = finish(start(small, three))
    share = busy.ended / busy.total
    runs.cancel(busy.run_id)
    print(json.dumps([alone_s, beside_s, share]))


if __name__ == "__main__":
    main()
