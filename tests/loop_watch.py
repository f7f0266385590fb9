"""Measures what single steps of an event loop cost: while one lasts, everything else in the loop stands still."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Steps:
    """The longest step so far, in seconds of the CPU, and what it was."""

    longest_s: float = 0.0
    what: str = "nothing ran"


@contextmanager
def watched_steps() -> Iterator[Steps]:
    """Watch all event loops: each callback, and each piece of a task between two awaits, is a step.

    Counted is the CPU of the loop's own thread, so that a machine that is busy with other work changes nothing.
    Garbage is not collected meanwhile: in a process of tests that goes over what all of them have left.
    """
    steps = Steps()
    collects = gc.isenabled()
    gc.disable()
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        begun = time.thread_time()
        run(handle)
        took_s = time.thread_time() - begun
        if took_s > steps.longest_s:
            steps.longest_s, steps.what = took_s, repr(handle)

    asyncio.Handle._run = measured  # type: ignore[method-assign]
    try:
        yield steps
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
        if collects:
            gc.enable()
