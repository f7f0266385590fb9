"""The one path of all doors: a job is understood, prepared, planned, carried out and written, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from ketl.catalog.catalog import Catalog
from ketl.errors import CatalogError, SettingsError
from ketl.results.catalog_change import CatalogChanged
from ketl.results.events import Event
from ketl.results.outcome import Outcome
from ketl.results.tally import Tally
from ketl.runs.connection import Connection
from ketl.runs.job import Job, job_from_json
from ketl.runs.journalling import GIVEN
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

    def check_catalog(self) -> None:
        """Raise a UsageError when the catalogue that the run began with is not there to be read again."""
        if self.seen.spec.get(GIVEN):
            raise SettingsError(
                f"The products of the run “{self.run_id}” were given by a Python program and are kept nowhere else. "
                "Run that program again: what was translated comes from the memory."
            )
        path = self.job.catalog
        if path is not None and self.job.upload is None and not Path(path).exists():
            raise CatalogError(
                f"The catalogue {path}, which this run began with, is no longer there. Nothing was sent, and what the "
                "run had finished is kept. Put the file back and resume it again, or start a new run with another one."
            )

    def check_engine(self, engine: str) -> None:
        """Raise SettingsError when the run would be finished by another engine than the one that began it."""
        if self.seen.engine == engine:
            return
        said = (
            "in the demo. Leave GROQ_API_KEY out to finish it there, or start a new run"
            if engine == "groq"
            else "with Groq. Set GROQ_API_KEY to finish it"
        )
        raise SettingsError(f"The run “{self.run_id}” began {said}: demo texts never stand among real ones.")

    def within(self, chosen: Selection) -> EarlierPart:
        """Return the part without what a selection of the catalogue as it is now no longer holds."""
        if self.seen.catalog_sha256 and self.seen.catalog_sha256 == chosen.catalog.sha256:
            return self
        keys = {text.key for product in chosen.cuttings for text in product.texts}
        return replace(self, done={ident: end for ident, end in self.done.items() if ident[0] in keys})


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
    if earlier is not None and selection is None and catalog is None:
        earlier.check_catalog()
    chosen = selection if selection is not None else await asyncio.to_thread(select, job, catalog, store)
    async with connect() as connection:
        if earlier is not None:
            earlier.check_engine(connection.engine)
        run = Run(chosen, connection, store, watch, write=write, pressed_at=pressed_at)
        if earlier is not None:
            still = await asyncio.to_thread(earlier.within, chosen)
            run.run_id, run.done_before, run.resumed = earlier.run_id, still.done, True
        if run_id is not None:
            run.run_id = run_id
        if tally is not None:
            run.tally = tally
        began(run)
        await run.prepare()
        if earlier is not None and store is not None:
            await asyncio.to_thread(store.journal.resume_run, run.run_id, earlier.seen)
            await asyncio.to_thread(store.journal.forget_unfinished, run.run_id)
            change = _change(earlier, chosen, left_out=len(earlier.done) - len(still.done))
            if change is not None:
                run.tally.add(change)
                watch(change)
        return await run.execute()


def _change(earlier: EarlierPart, now: Selection, left_out: int) -> CatalogChanged | None:
    """Return what became of the catalogue since a run began, None when its content is the same or was not known."""
    before = earlier.seen.catalog_sha256
    if not before or not now.catalog.sha256 or before == now.catalog.sha256:
        return None
    counts = earlier.seen.counts
    return CatalogChanged(
        name=Path(now.catalog.source).name,
        texts_before=counts["units"] // max(1, counts["languages"]),
        texts=now.census.texts,
        left_out=left_out,
    )
