"""Runs for minutes on a provider with faults, and looks whether memory, descriptors, tasks or threads grow.

`python -m benchmarks.soak [--seconds N] [--seed N]` starts runs in this process, from Python and as the page does,
three at a time; a third is let be, a third cancelled, a third left. Every few seconds it waits for those that go on,
collects garbage, and counts. What was counted after the first quarter decides: the status is 1 when something grows.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import ketl
from ketl.language.languages import LANGUAGES
from ketl.provider.groq import KEEPALIVE_S
from ketl.runs.host import RunHost
from ketl.runs.job import Job
from ketl.settings import load_settings
from ketl.simulator import RunningSimulator, SimulatorConfig, start_simulator

FAULTS = {
    "500": 0.02,
    "503": 0.02,
    "498": 0.01,
    "reset": 0.02,
    "cut_body": 0.02,
    "straggler": 0.01,
    "hang": 0.002,
    "code_fence": 0.02,
    "missing_key": 0.02,
    "empty": 0.01,
}
_ROUND_S = 10.0
# Longer than idle connections are kept: only what nobody gives back is left to be counted.
_REST_S = KEEPALIVE_S + 1.0
_AT_ONCE = 3
# Caches that are bounded by a count fill for a while; a leak goes on. A tenth of the memory in the time measured is
# more than the one and less than the other.
_MOST_GROWTH = {"memory_mb": 0.10, "server_mb": 0.10, "descriptors": 0.0, "tasks": 0.0, "threads": 0.0}
_MOST_MORE = {"memory_mb": 3.0, "server_mb": 3.0, "descriptors": 3.0, "tasks": 1.0, "threads": 3.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was counted at one quiet moment, `seconds` after the start: megabytes, descriptors, tasks, threads."""

    seconds: float
    runs: int
    memory_mb: float
    server_mb: float
    descriptors: int
    tasks: int
    threads: int


WATCHED = [field.name for field in fields(Sample) if field.name not in ("seconds", "runs")]


def resident_mb(pid: int) -> float:
    """Return the resident megabytes of a process, from Linux's own account."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def slope(samples: Sequence[Sample], name: str) -> float:
    """Return by how much a figure grew a minute, by least squares."""
    times = [sample.seconds / 60 for sample in samples]
    values = [float(getattr(sample, name)) for sample in samples]
    mean_time, mean_value = sum(times) / len(times), sum(values) / len(values)
    spread = sum((t - mean_time) ** 2 for t in times)
    return (
        sum((t - mean_time) * (v - mean_value) for t, v in zip(times, values, strict=True)) / spread if spread else 0.0
    )


def is_flat(samples: Sequence[Sample], name: str) -> bool:
    """Tell whether a figure grew by no more than caches and chance make it over the samples."""
    grown = slope(samples, name) * (samples[-1].seconds - samples[0].seconds) / 60
    return grown <= max(_MOST_MORE[name], _MOST_GROWTH[name] * float(getattr(samples[0], name)))


class Soak:
    """The runs of one soak, and how they ended."""

    def __init__(self, rng: random.Random, host: RunHost, server: RunningSimulator) -> None:
        self.ends: Counter[str] = Counter()
        self.runs = 0
        self.rows = 0
        self._rng = rng
        self._host = host
        self._server = server

    async def round(self) -> None:
        """Start runs, three at a time, until the round's time is over and all have ended."""
        until = time.monotonic() + _ROUND_S

        async def work() -> None:
            while time.monotonic() < until:
                self.runs += 1
                how = self._rng.choice(("let be", "cancelled", "left"))
                await self._rng.choice((self._called, self._hosted))(how)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))

    def sample(self, seconds: float) -> Sample:
        """Count, at a moment when no run goes on."""
        gc.collect()
        return Sample(
            seconds=seconds,
            runs=self.runs,
            memory_mb=resident_mb(os.getpid()),
            server_mb=resident_mb(self._server.pid),
            descriptors=len(os.listdir("/proc/self/fd")),
            tasks=len(asyncio.all_tasks()),
            threads=threading.active_count(),
        )

    def _job(self) -> Job:
        return Job(
            products=tuple(str(n) for n in self._rng.sample(range(1, 25), self._rng.randint(1, 4))),
            languages=tuple(language.tag for language in self._rng.sample(LANGUAGES, self._rng.randint(1, 3))),
            memory=self._rng.random() < 0.5,
        )

    async def _called(self, how: str) -> None:
        """Run one from Python; who leaves stops reading its events, who cancels cancels the task that reads them."""
        spared = self._rng.randint(1, 30)

        async def read() -> None:
            number = 0
            async with contextlib.aclosing(ketl.translate_catalog(job=self._job())) as events:
                async for event in events:
                    number += 1
                    if isinstance(event, ketl.CatalogDone):
                        self._count(how, event.result.report)
                    elif how == "left" and number > spared:
                        self.ends["left"] += 1
                        return

        task = asyncio.ensure_future(read())
        if how == "cancelled":
            await asyncio.wait([task], timeout=self._rng.uniform(0.0, 1.0))
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            self.ends["cancelled"] += 1
        except ketl.KetlError as error:
            self.ends[f"{type(error).__name__}: {error}"] += 1

    async def _hosted(self, how: str) -> None:
        """Run one as the page does; who leaves looks at it no more, and it goes on."""
        view = await asyncio.to_thread(self._host.start, self._job())
        if how == "cancelled":
            await asyncio.sleep(self._rng.uniform(0.0, 1.0))
            self._host.cancel(view.run_id)
        while view.live:  # noqa: ASYNC110 - as the page looks, from another thread than its runs
            await asyncio.sleep(0.02)
        if view.result is not None:
            self._count(how, view.result.report)
        else:
            self.ends[f"{view.status.value}: {view.error}" if view.error else view.status.value] += 1

    def _count(self, how: str, report: dict[str, object]) -> None:
        self.ends[f"{how}, with a result"] += 1
        self.rows += int(str(report["translated"]))
        if report["failed"]:
            self.ends["rows failed"] += int(str(report["failed"]))


async def soak(
    seconds: float, rng: random.Random, host: RunHost, server: RunningSimulator
) -> tuple[Soak, list[Sample]]:
    """Return the soak after so many seconds, with its samples."""
    running = Soak(rng, host, server)
    begun = time.monotonic()
    samples: list[Sample] = []
    while (passed := time.monotonic() - begun) < seconds:
        await running.round()
        await asyncio.sleep(_REST_S)
        samples.append(running.sample(time.monotonic() - begun))
        if int(passed / 60) < int(samples[-1].seconds / 60):
            print(samples[-1], dict(running.ends), file=sys.stderr, flush=True)
    return running, samples


def table(samples: Sequence[Sample]) -> str:
    """Return the figures after the first quarter: at its end, at the very end, the most, and the growth a minute."""
    settled = samples[len(samples) // 4 :]
    lines = [
        f"| figure | at {settled[0].seconds:.0f} s | at {settled[-1].seconds:.0f} s | most | growth a minute | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for name in WATCHED:
        values = [float(getattr(sample, name)) for sample in settled]
        said = "flat" if is_flat(settled, name) else "grows"
        figures = [f"{value:.1f}" for value in (values[0], values[-1], max(values))]
        lines.append(f"| {' | '.join((name, *figures, f'{slope(settled, name):+.3f}', said))} |")
    return "\n".join(lines)


def main() -> int:
    """Soak, and print what was counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    config = SimulatorConfig(faults=FAULTS, time_scale=0.2, seed=options.seed)
    with tempfile.TemporaryDirectory(prefix="ketl-soak-") as home, start_simulator(config=config) as server:
        os.environ |= {"KETL_HOME": home, "GROQ_API_KEY": "gsk_benchmark_key_of_no_account"}
        os.environ["GROQ_BASE_URL"] = server.base_url
        os.environ.pop("KETL_DATABASE_URL", None)
        host = RunHost(load_settings())
        running, samples = asyncio.run(soak(options.seconds, random.Random(options.seed), host, server))
        host.close()
        faults = server.stats(seen=False)["faults"]
    print(
        f"Seed {options.seed}; {running.runs} runs in {samples[-1].seconds:.0f} s, {running.rows:,} texts translated."
    )
    print("; ".join(f"{how}: {number}" for how, number in running.ends.most_common()))
    print(f"Faults: {', '.join(f'{name} {number}' for name, number in sorted(faults.items()))}.\n\n{table(samples)}")
    settled = samples[len(samples) // 4 :]
    return 0 if all(is_flat(settled, name) for name in WATCHED) else 1


if __name__ == "__main__":
    sys.exit(main())
