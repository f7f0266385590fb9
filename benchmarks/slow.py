"""Measures runs against servers that work on few requests at a time: calls, seconds, and the speed-up that is claimed.

`python -m benchmarks.slow [--seconds S] [--requests N] [--only PLACES]` runs `translate` as a child against the neutral
server with 1, 2 and 4 places, deaf to hang-ups or not, telling its times or not. The true speed-up is the work that the
server did, divided by the makespan.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.scenarios import MODELS
from benchmarks.trial import ROOT, NeutralServer
from benchmarks.workload import make_products, write_catalog

LANGUAGES = ("Spanish", "Japanese", "Arabic")
_SPREAD = 0.2  # sigma of the log-normal seconds of an answer


def measure(server: NeutralServer, folder: Path, *, places: int, mean_s: float, deaf: bool, tells: bool) -> str:
    """Return a row of the table: what one run took, and what it said of itself."""
    server.begin(
        {
            "models": {model: {} for model in MODELS},
            "latency": {"kind": "lognormal", "median_s": mean_s, "sigma": _SPREAD, "low_s": 0.0, "high_s": 1e9},
            "places": places,
            "deaf": deaf,
            "tells": tells,
        }
    )
    report_path, home = folder / "report.json", folder / "home"
    words = ["translate", "--catalog", str(folder / "slow.jsonl"), "--glossary", "none", "--pack", "1", "--no-memory"]
    words += [word for language in LANGUAGES for word in ("--language", language)]
    words += ["--plan", "unlimited", "--out", str(folder / "slow.csv"), "--report", str(report_path)]
    settings = {"GROQ_API_KEY": "gsk_neutral", "GROQ_BASE_URL": server.url, "KETL_HOME": str(home)}
    ended = subprocess.run(
        [sys.executable, "-m", "ketl", *words],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if ended.returncode != 0:
        raise SystemExit(f"The run ended with {ended.returncode}: {ended.stderr[-2_000:]}")
    report, stats = json.loads(report_path.read_text("utf-8")), server.stats()
    calls, makespan_s, worked_s = stats["attempts"], report["makespan_s"], stats["worked_s"]
    claimed = report["speedup"]
    said = {model["served_at_once"] for model in report["models"].values()}
    return (
        f"| {places} | {mean_s:g} | {'deaf' if deaf else 'listens'}, {'tells' if tells else 'silent'} "
        f"| {report['requests']} | {calls} | {makespan_s:.1f} | {makespan_s / (worked_s / places):.3f} "
        f"| {'none' if claimed is None else f'{claimed:.2f}'} | {worked_s / makespan_s:.2f} "
        f"| {', '.join(str(number) for number in said)} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow", description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[3.0], help="median seconds of an answer")
    parser.add_argument("--requests", type=int, default=54, help="about so many")
    parser.add_argument("--only", type=int, nargs="+", default=[1, 2, 4], metavar="PLACES")
    options = parser.parse_args()
    print("| places | s an answer | server | requests | calls | makespan s | ÷ work | claimed | true | says |")
    print("|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as name, NeutralServer() as server:
        folder = Path(name)
        write_catalog(folder / "slow.jsonl", make_products(max(1, options.requests // 9)))
        for seconds in options.seconds:
            for places in options.only:
                for deaf, tells in ((False, True), (False, False), (True, False)):
                    kind = {"places": places, "mean_s": seconds, "deaf": deaf, "tells": tells}
                    print(measure(server, folder, **kind), flush=True)


if __name__ == "__main__":
    main()
