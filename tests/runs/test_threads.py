"""Work beside the loop tells its end, and a program that ends does not wait for a run that goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ketl.runs.threads import in_own_thread
from ketl.simulator import RunningSimulator

ROOT = Path(__file__).resolve().parents[2]

LEAVING = """
import threading
from ketl.results.events import Admitted
from ketl.runs import host as module
from ketl.runs.job import Job
from ketl.settings import load_settings

sent = threading.Event()
watch = module.RunHost._watch

def watched(self, view):
    take = watch(self, view)
    def both(event):
        take(event)
        if isinstance(event, Admitted):
            sent.set()
    return both

module.RunHost._watch = watched
module.RunHost(load_settings()).start(Job(languages=("es",), products=("1",), glossary="none"))
assert sent.wait(30)
print("leaving", flush=True)
"""


def test_the_end_of_the_work_is_told_and_what_it_raised() -> None:
    names: list[str] = []

    async def go() -> None:
        await in_own_thread(lambda: names.append(threading.current_thread().name), "beside")
        with pytest.raises(ZeroDivisionError):
            await in_own_thread(lambda: names.append(str(1 // 0)), "beside")

    asyncio.run(go())
    assert names == ["beside"]


@pytest.mark.usefixtures("keyed")
def test_a_program_that_ends_does_not_wait_for_a_run_whose_answers_never_come(simulator: RunningSimulator) -> None:
    simulator.configure({"latency_s": [600, 600]})
    program = subprocess.Popen([sys.executable, "-c", LEAVING], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        said, _ = program.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        raise
    assert said == "leaving\n" and program.returncode == 0
