"""Measures the engine against the ways people call the provider today, and writes the table.

`python -m benchmarks.speed [--quick] [--markdown PATH] [--only NAME] [--peers PYTHON]`. Every scenario runs
against one neutral server on this machine; the contestants take turns, and the median run counts. Compare
the ratios: the seconds belong to the machine.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import fairness, planning
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.trial import ROOT, NeutralServer, Trial, run_ours, run_peer

_MODULES = {
    "LangChain abatch": ("langchain_groq",),
    "LiteLLM Router": ("litellm", "tenacity"),
    "semaphore on aiohttp": ("httpx_aiohttp",),
}
_COLUMNS = (
    "scenario", "contestant", "right", "seconds", "ratio", "refusals", "billed twice", "hopeless",
    "CPU ms a request", "MB", "first s",
)  # fmt: skip


def installed(python: str, peer: str) -> bool:
    """Tell whether `python` has what a peer needs."""
    words = "; ".join(f"import {module}" for module in _MODULES.get(peer, ("groq",)))
    return subprocess.run([python, "-c", words], capture_output=True, check=False).returncode == 0


def pythons(peers: Sequence[str], other: str | None) -> dict[str, str]:
    """Return the Python to run each peer with: this one, else the other that was named; absent ones are left out."""
    found: dict[str, str] = {}
    for peer in peers:
        for python in (sys.executable, *([other] if other else [])):
            if installed(python, peer):
                found[peer] = python
                break
    return found


def ratio_of(scenario: Scenario, trial: Trial) -> float | None:
    """Return makespan ÷ what the scenario measures by, None where it has no such measure."""
    by = scenario.bound_s(trial.stats) if scenario.unit == "bound" else float(trial.stats["longest_s"])
    return trial.makespan_s / by if scenario.unit and by > 0 else None


def measure(
    scenario: Scenario, server: NeutralServer, folder: Path, found: dict[str, str], *, runs: int, quick: bool
) -> Iterator[tuple[Trial, float | None]]:
    """Run every contestant `runs` times in turn and yield each one's median run with its ratio."""
    peers = [peer for peer in scenario.peers if peer in found]
    if quick:
        peers = [] if scenario.patient else [peer for peer in peers if peer == "semaphore on aiohttp"]
    trials: dict[str, list[Trial]] = {}
    for turn in range(runs):
        trials.setdefault("ours", []).append(run_ours(scenario, server, folder))
        for peer in peers:
            if turn and (scenario.patient or trials[peer][0].makespan_s > 10.0):
                continue
            trials.setdefault(peer, []).append(run_peer(scenario, server, folder, peer, found[peer]))
    for done in trials.values():
        middle = statistics.median_low([trial.makespan_s for trial in done])
        chosen = next(trial for trial in done if trial.makespan_s == middle)
        yield chosen, ratio_of(scenario, chosen)


def row(scenario: Scenario, trial: Trial, ratio: float | None) -> str:
    """Return one row of the table."""
    lost = "" if trial.right == trial.units else " **!**"
    seconds = f"{trial.makespan_s:.2f}" if trial.ended else f"> {trial.makespan_s:.0f}"
    seconds += " (from a sample)" if trial.scaled_from else ""
    cells = [
        scenario.title if trial.contestant == "ours" else "",
        f"**{trial.contestant}**" if trial.contestant == "ours" else trial.contestant,
        f"{trial.right:,} of {trial.units:,}{lost}",
        seconds,
        f"{ratio:.2f} ×" if ratio else "–",
        str(trial.refusals),
        str(trial.billed_again),
        str(int(trial.stats.get("hopeless", 0))),
        f"{trial.cpu_ms:.2f}",
        f"{trial.peak_mb:.0f}",
        "–" if trial.first_s is None else f"{trial.first_s:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def machine() -> str:
    """Return the processor, cores and Python of this machine."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def capacity_line(trial: Trial) -> str:
    """Return what the server itself can take, from the CPU it spent in the run without latency."""
    each = trial.stats["server_cpu_s"] / max(1, trial.stats["attempts"])
    return f"The server spends {1000 * each:.3f} ms of CPU a request, so it could answer {1 / each:,.0f} a second."


def main() -> int:
    """Run the benchmark; return 1 when one of our runs lost a text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed")
    parser.add_argument("--quick", action="store_true", help="fewer runs and peers: under five minutes")
    parser.add_argument("--markdown", metavar="PATH", help="write the table there, too")
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="a scenario; may be repeated")
    parser.add_argument("--peers", metavar="PYTHON", help="another Python, for peers that this one lacks")
    options = parser.parse_args()
    known = [s.name for s in SCENARIOS] + ["plan", "fairness"]
    if unknown := [name for name in options.only if name not in known]:
        parser.error(f"no scenario is called {unknown[0]}; there are {', '.join(known)}")
    found = pythons(list(dict.fromkeys(p for s in SCENARIOS for p in s.peers)), options.peers)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    say(f"{machine()}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}.")
    say("")
    say("| " + " | ".join(_COLUMNS) + " |")
    say("|---|---|" + "---:|" * (len(_COLUMNS) - 2))
    notes: list[str] = []
    lost = False
    with tempfile.TemporaryDirectory() as folder, NeutralServer() as server:
        for scenario in SCENARIOS:
            runs = scenario.quick_runs if options.quick else scenario.runs
            if options.only:
                runs = max(1, runs) if scenario.name in options.only else 0
            if runs:
                for trial, ratio in measure(scenario, server, Path(folder), found, runs=runs, quick=options.quick):
                    say(row(scenario, trial, ratio))
                    lost = lost or (trial.contestant == "ours" and trial.right < trial.units)
                    if scenario.name == "overhead" and trial.contestant == "ours":
                        notes.append(capacity_line(trial))
        if not options.only or "fairness" in options.only:
            notes.append(fairness.measure(server, Path(folder)))
        if not options.only or "plan" in options.only:
            products = 10_000 if options.quick else 100_000
            notes.append(planning.measure(Path(folder), products))
    say("")
    for note in notes:
        say(f"- {note}")
    if options.markdown:
        (ROOT / options.markdown).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
