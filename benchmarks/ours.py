"""Runs one command line of the product in this process and prints what it cost: seconds, CPU, memory.

`python -m benchmarks.ours FACTS.json translate …` is what the speed benchmark starts as a child; the imports
are not counted, everything else of the command is, its files and journal too.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from ketl.cli import main as ketl_main


def cpu_s() -> float:
    """Return the CPU seconds of this process, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """Return the most memory this process held; `ru_maxrss` would begin with the parent's."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> int:
    """Run the command, write the facts, and return its exit status."""
    began, cpu = time.perf_counter(), cpu_s()
    status = ketl_main(sys.argv[2:])
    facts = {"status": status, "wall_s": time.perf_counter() - began, "cpu_s": cpu_s() - cpu, "peak_mb": peak_mb()}
    Path(sys.argv[1]).write_text(json.dumps(facts))
    return status


if __name__ == "__main__":
    sys.exit(main())
