"""The one path of all doors: a job is understood, prepared, planned, carried out and written, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from ketl.catalog.catalog import Catalog
from ketl.results.events import Event
from ketl.results.outcome import Outcome
from ketl.results.tally import Tally
from ketl.runs.connection import Connection
from ketl.runs.job import Job, job_from_json
from ketl.runs.result import RunResult
from ketl.runs.row_pass import Write
from ketl.runs.run import Run
from ketl.runs.selection import Selection, select
from ketl.store.records import RunRecord
from ketl.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPart:
    """A run that ended early, as it was seen: what it was asked, and what it had finished."""

    run_id: str
    job: Job
    done: Mapping[tuple[bytes, str], Outcome]
    seen: RunRecord


def take_over(store: Store, run_id: str) -> EarlierPart:
    """Look at a run that ended early, to finish it; it stays as it is until `drive` knows that it can go on.

    Raises SelectionError when there is no such run, SettingsError when its owner still works on it.
    """
    record = store.journal.resumable(run_id)
    return EarlierPart(
        run_id=run_id, job=job_from_json(record.spec), done=store.journal.done_before(run_id), seen=record
    )


async def drive(
    job: Job,
    connect: Callable[[], AbstractAsyncContextManager[Connection]],
    store: Store | None,
    *,
    selection: Selection | None = None,
    catalog: Catalog | None = None,
    earlier: EarlierPart | None = None,
    run_id: str | None = None,
    tally: Tally | None = None,
    watch: Callable[[Event], None] = lambda event: None,
    write: Write | None = None,
    began: Callable[[Run], None] = lambda run: None,
    before_s: float = 0.0,
) -> RunResult:
    """Take a job from its words to the written result, and return what the run left.

    `selection` is the job understood already, `catalog` what to choose from in place of the job's file;
    `earlier` the part of the run that was finished before. `began` is handed the run before anything is sent, so
    that it can be cancelled. `before_s` are the seconds that had gone by since the person asked for it. Raises the
    UsageError that says what is wrong with the job, or the RunError that kept anything from being sent.
    """
    pressed_at = asyncio.get_running_loop().time() - before_s
    chosen = selection if selection is not None else await asyncio.to_thread(select, job, catalog)
    async with connect() as connection:
        run = Run(chosen, connection, store, watch, write=write, pressed_at=pressed_at)
        if earlier is not None:
            run.run_id, run.done_before, run.resumed = earlier.run_id, earlier.done, True
        if run_id is not None:
            run.run_id = run_id
        if tally is not None:
            run.tally = tally
        began(run)
        await run.prepare()
        if earlier is not None and store is not None:
            await asyncio.to_thread(store.journal.resume_run, run.run_id, earlier.seen)
            await asyncio.to_thread(store.journal.forget_unfinished, run.run_id)
        return await run.execute()
