"""The journal: runs, who works on them, and how every one of their segments ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, delete, literal_column, select, update

from ketl._batches import batches
from ketl._words import did_you_mean
from ketl.errors import SelectionError, SettingsError, TakenOverError
from ketl.results.outcome import DONE, Outcome
from ketl.store.database import BATCH, Database, Lookup
from ketl.store.owner import is_alive, new_lease
from ketl.store.records import OUTCOME_COLUMNS, RunRecord, RunStatus, outcome_from_row, outcome_to_row
from ketl.store.tables import OUTCOMES, RUNS

# One transaction's worth: a tenth of a second or so, after which other writers get their turn.
_WRITTEN_AT_ONCE = 5_000


class Journal:
    """The runs and outcomes of one database; this process owns those that it starts or resumes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases: dict[str, str] = {}
        save = database.upsert(OUTCOMES, OUTCOME_COLUMNS[:3], OUTCOME_COLUMNS[3:])
        self._save = database.insertion(save, OUTCOME_COLUMNS, keys=3)
        columns = [OUTCOMES.c[name] for name in OUTCOME_COLUMNS]
        self._find = Lookup(
            database, columns, fixed=[OUTCOMES.c.run_id, OUTCOMES.c.language_tag], listed=OUTCOMES.c.key
        )
        self._page = database.prepared(
            select(OUTCOMES.c.id, *columns)
            .where(OUTCOMES.c.run_id == "", OUTCOMES.c.id > 0)
            .order_by(OUTCOMES.c.id)
            .limit(literal_column(str(2 * BATCH)))
            .offset(literal_column("0"))
        )

    def start_run(
        self,
        run_id: str,
        *,
        engine: str,
        mode: str,
        spec: Mapping[str, Any],
        counts: Mapping[str, int],
        catalog_sha256: str | None = None,
    ) -> str:
        """Write a run into the journal as running; a run of that id starts again. Return the lease it is owned by."""
        now, lease = self._database.clock(), new_lease()
        row = {
            "run_id": run_id,
            "status": RunStatus.RUNNING.value,
            "engine": engine,
            "mode": mode,
            "spec": json.dumps(spec),
            "counts": json.dumps(counts),
            "report": None,
            "owner": lease,
            "started_at": now,
            "heartbeat_at": now,
            "finished_at": None,
            "catalog_sha256": catalog_sha256,
        }
        with self._database.transaction() as connection:
            connection.execute(self._database.upsert(RUNS, ["run_id"], [name for name in row if name != "run_id"]), row)
        self._leases[run_id] = lease
        return lease

    def resumable(self, run_id: str) -> RunRecord:
        """Return a run that could be taken over, and leave it as it is.

        Raises SelectionError when there is no such run, SettingsError when its owner still works on it.
        """
        with self._database.transaction() as connection:
            row = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).one_or_none()
            if row is None:
                newest = select(RUNS.c.run_id).order_by(RUNS.c.started_at.desc()).limit(200)
                known = connection.execute(newest).scalars().all()
                raise SelectionError(
                    f"There is no run “{run_id}”.{did_you_mean(run_id, known)} Choose one from the list of runs."
                )
        record = self._record(row)
        if record.status is RunStatus.RUNNING:
            raise _still_going(run_id)
        return record

    def resume_run(self, run_id: str, seen: RunRecord | None = None) -> RunRecord:
        """Take over a run that ended early and return what it was; its outcomes stay.

        `seen` is the run as `resumable` returned it, by default as it is now: a run that changed since is refused.
        Raises SelectionError when there is no such run, SettingsError when another works on it.
        """
        record = seen or self.resumable(run_id)
        now, lease = self._database.clock(), new_lease()
        with self._database.transaction() as connection:
            # Two resumers may have read the same state; only the first still finds it unchanged.
            taken = connection.execute(
                update(RUNS)
                .where(RUNS.c.run_id == run_id, RUNS.c.owner == record.owner)
                .where(RUNS.c.heartbeat_at == record.heartbeat_at)
                .values(status=RunStatus.RUNNING.value, owner=lease, heartbeat_at=now, finished_at=None)
            )
            if taken.rowcount != 1:
                raise _still_going(run_id)
        self._leases[run_id] = lease
        return record

    def lease(self, run_id: str) -> str | None:
        """Return the lease under which this journal owns a run, None when it does not."""
        return self._leases.get(run_id)

    def heartbeat(self, run_id: str, counts: Mapping[str, int] | None = None, lease: str | None = None) -> None:
        """Say that this process still works on the run, and how far it is; at least every 10 seconds.

        Raises TakenOverError when another process owns it, as every write of a run does.
        """
        values: dict[str, Any] = {"heartbeat_at": self._database.clock()}
        if counts is not None:
            values["counts"] = json.dumps(counts)
        with self._database.transaction() as connection:
            self._write_run(connection, run_id, lease, values)

    def _write_run(self, connection: Connection, run_id: str, lease: str | None, values: Mapping[str, Any]) -> None:
        """Write into the row of a run, which must still be owned by `lease`, by default the newest of this journal."""
        owner = lease or self._leases.get(run_id, "")
        written = connection.execute(
            update(RUNS).where(RUNS.c.run_id == run_id, RUNS.c.owner == owner).values(dict(values))
        )
        if written.rowcount != 1:
            raise TakenOverError(
                f"The run “{run_id}” was taken over by another process while this one stood still, so this one "
                "stopped. What it had written before is kept; the other goes on."
            )

    def finish_run(
        self,
        run_id: str,
        status: RunStatus | str,
        report: Mapping[str, Any] | None = None,
        counts: Mapping[str, int] | None = None,
        lease: str | None = None,
    ) -> None:
        """Write how a run ended, with its report and last counts if there are any."""
        values: dict[str, Any] = {"status": RunStatus(status).value, "finished_at": self._database.clock()}
        if report is not None:
            values["report"] = json.dumps(report)
        if counts is not None:
            values["counts"] = json.dumps(counts)
        with self._database.transaction() as connection:
            self._write_run(connection, run_id, lease, values)

    def runs(self, limit: int | None = 50) -> list[RunRecord]:
        """Return the newest runs first, at most `limit`, None for all."""
        wanted = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.run_id.desc()).limit(limit)
        with self._database.transaction() as connection:
            return [self._record(row) for row in connection.execute(wanted)]

    def run(self, run_id: str) -> RunRecord | None:
        """Return one run, None when there is none of that id."""
        with self._database.transaction() as connection:
            row = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).one_or_none()
        return None if row is None else self._record(row)

    def _record(self, row: Any) -> RunRecord:
        try:
            status = RunStatus(row.status)
        except ValueError:
            # Another version's word: what it means is not known, but nobody works on the run.
            status = RunStatus.INTERRUPTED
        if status is RunStatus.RUNNING and not is_alive(row.owner, self._database.clock() - row.heartbeat_at):
            status = RunStatus.INTERRUPTED
        return RunRecord(
            run_id=row.run_id,
            status=status,
            engine=row.engine,
            mode=row.mode,
            spec=json.loads(row.spec),
            counts=json.loads(row.counts),
            report=None if row.report is None else json.loads(row.report),
            started_at=row.started_at,
            finished_at=row.finished_at,
            owner=row.owner,
            heartbeat_at=row.heartbeat_at,
            catalog_sha256=row.catalog_sha256,
        )

    def save_outcomes(self, run_id: str, outcomes: Iterable[Outcome], lease: str | None = None) -> int:
        """Write outcomes into the journal, 5,000 a transaction, later ones over earlier ones; return how many.

        Counts as a heartbeat.
        """
        saved = 0
        for batch in batches(outcomes, _WRITTEN_AT_ONCE):
            rows = [outcome_to_row(run_id, outcome) for outcome in batch]
            with self._database.transaction() as connection:
                self._write_run(connection, run_id, lease, {"heartbeat_at": self._database.clock()})
                self._database.write(connection, self._save, rows)
            saved += len(batch)
        return saved

    def outcomes(self, run_id: str) -> Iterator[Outcome]:
        """Yield the outcomes of a run in the order in which they first came, in bounded memory."""
        last = -1
        while True:
            with self._database.transaction() as connection:
                rows = connection.exec_driver_sql(self._page, (run_id, last)).all()
            if not rows:
                return
            last = rows[-1][0]
            for row in rows:
                yield outcome_from_row(row[1:])

    def done_before(self, run_id: str) -> dict[tuple[bytes, str], Outcome]:
        """Return what a resumed run need not send again, by segment: key and language tag.

        Done is what ended with a translation, from whomever: the machine, or a person through the memory. A
        person's text is not sent again merely because the machine did not write it, and what failed or was
        cancelled is sent even if something was noted beside it.
        """
        return {(o.key, o.language_tag): o for o in self.outcomes(run_id) if o.status in DONE}

    def forget_unfinished(self, run_id: str) -> None:
        """Remove the outcomes that `done_before` leaves out: a resumed run asks for those again."""
        with self._database.transaction() as connection:
            done = [status.value for status in DONE]
            connection.execute(delete(OUTCOMES).where(OUTCOMES.c.run_id == run_id, OUTCOMES.c.status.not_in(done)))

    def find_outcomes(self, run_id: str, ids: Iterable[tuple[bytes, str]]) -> dict[tuple[bytes, str], Outcome]:
        """Return the outcomes of those segments (key, language tag) of a run that have one."""
        found: dict[tuple[bytes, str], Outcome] = {}
        with self._database.transaction() as connection:
            for tag, keys in by_language(ids):
                for row in self._find.rows(connection, (run_id, tag), keys):
                    outcome = outcome_from_row(row)
                    found[outcome.key, tag] = outcome
        return found


def _still_going(run_id: str) -> SettingsError:
    return SettingsError(f"The run “{run_id}” is still going. Wait for it, or cancel it first.")


def by_language(ids: Iterable[tuple[bytes, str]]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the segments' keys grouped by language tag, the form in which an index finds them."""
    keys: dict[str, list[bytes]] = {}
    for key, tag in ids:
        keys.setdefault(tag, []).append(key)
    yield from keys.items()
