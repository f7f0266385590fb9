"""Runs, outcomes, decisions, settings and route statistics through SQLAlchemy: SQLite at hand, PostgreSQL by URL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import groupby, islice
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Executable, Table, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL

from ketl._words import did_you_mean
from ketl.errors import SelectionError, SettingsError
from ketl.results.outcome import Outcome
from ketl.results.route_stats import RouteStats
from ketl.store.database import data_folder, database_url, insert, open_database, parse_url, transaction
from ketl.store.owner import is_alive, this_process
from ketl.store.records import Action, Decision, RunRecord, RunStatus, outcome_from_row, outcome_to_row
from ketl.store.tables import DECISIONS, NO_ITEM, OUTCOMES, ROUTE_STATS, RUNS, SETTINGS

__all__ = [
    "Action",
    "Decision",
    "RouteStats",
    "RunRecord",
    "RunStatus",
    "Store",
    "batches",
    "data_folder",
    "database_url",
]

# Large enough that the cost of a statement vanishes, small enough for every database's limit on parameters.
BATCH = 500

_T = TypeVar("_T")


def batches(items: Iterable[_T], size: int = BATCH) -> Iterator[list[_T]]:
    """Yield `items` in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


class Store:
    """The database of this program; one object serves every thread of a process.

    Every method raises RunError with a sentence when the database fails while it works.
    """

    def __init__(self, url: str | URL | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Open the database at `url`, by default the one that the environment names.

        `clock` returns seconds since 1970. Raises SettingsError when the database cannot be opened.
        """
        self._database = open_database(
            database_url() if url is None else parse_url(url) if isinstance(url, str) else url
        )
        self._owner = this_process()
        self.clock = clock

    def close(self) -> None:
        """Give back all connections."""
        self._database.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[Connection]:
        """Return a context with a connection whose work is committed at its end."""
        return transaction(self._database)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return the dialect's own INSERT, which can say what happens to a row that exists."""
        return insert(self._database, table)

    def upsert(self, table: Table, keys: Sequence[str], columns: Sequence[str]) -> Executable:
        """Return an INSERT that sets `columns` to the new values where a row with these `keys` exists."""
        fresh = self.insert(table)
        return fresh.on_conflict_do_update(
            index_elements=list(keys), set_={name: fresh.excluded[name] for name in columns}
        )

    # Runs

    def start_run(
        self, run_id: str, *, engine: str, mode: str, spec: Mapping[str, Any], counts: Mapping[str, int]
    ) -> None:
        """Write a run into the journal as running, owned by this process; a run of that id starts again."""
        now = self.clock()
        row = {
            "run_id": run_id,
            "status": RunStatus.RUNNING.value,
            "engine": engine,
            "mode": mode,
            "spec": json.dumps(spec),
            "counts": json.dumps(counts),
            "report": None,
            "owner": self._owner,
            "started_at": now,
            "heartbeat_at": now,
            "finished_at": None,
        }
        with self.transaction() as connection:
            connection.execute(self.upsert(RUNS, ["run_id"], [name for name in row if name != "run_id"]), row)

    def resume_run(self, run_id: str) -> RunRecord:
        """Take over a run that ended early and return what it was; its outcomes stay.

        Raises SelectionError when there is no such run, SettingsError when its owner still works on it.
        """
        with self.transaction() as connection:
            row = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).one_or_none()
            if row is None:
                newest = select(RUNS.c.run_id).order_by(RUNS.c.started_at.desc()).limit(200)
                known = connection.execute(newest).scalars().all()
                raise SelectionError(
                    f"There is no run “{run_id}”.{did_you_mean(run_id, known)} Choose one from the list of runs."
                )
            record = self._record(row)
            now = self.clock()
            # Two resumers may have read the same state; only the first still finds it unchanged.
            taken = connection.execute(
                update(RUNS)
                .where(RUNS.c.run_id == run_id, RUNS.c.owner == row.owner, RUNS.c.heartbeat_at == row.heartbeat_at)
                .values(status=RunStatus.RUNNING.value, owner=self._owner, heartbeat_at=now, finished_at=None)
            )
            if record.status is RunStatus.RUNNING or taken.rowcount != 1:
                connection.rollback()
                raise SettingsError(f"The run “{run_id}” is still going. Wait for it, or cancel it first.")
        return record

    def heartbeat(self, run_id: str, counts: Mapping[str, int] | None = None) -> None:
        """Say that this process still works on the run, and how far it is; at least every 10 seconds."""
        values: dict[str, Any] = {"heartbeat_at": self.clock()}
        if counts is not None:
            values["counts"] = json.dumps(counts)
        with self.transaction() as connection:
            connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(values))

    def finish_run(
        self,
        run_id: str,
        status: RunStatus | str,
        report: Mapping[str, Any] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Write how a run ended, with its report and last counts if there are any."""
        values: dict[str, Any] = {"status": RunStatus(status).value, "finished_at": self.clock()}
        if report is not None:
            values["report"] = json.dumps(report)
        if counts is not None:
            values["counts"] = json.dumps(counts)
        with self.transaction() as connection:
            connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(values))

    def runs(self, limit: int | None = 50) -> list[RunRecord]:
        """Return the newest runs first, at most `limit`, None for all."""
        wanted = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.run_id.desc()).limit(limit)
        with self.transaction() as connection:
            return [self._record(row) for row in connection.execute(wanted)]

    def run(self, run_id: str) -> RunRecord | None:
        """Return one run, None when there is none of that id."""
        with self.transaction() as connection:
            row = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).one_or_none()
        return None if row is None else self._record(row)

    def _record(self, row: Any) -> RunRecord:
        status = RunStatus(row.status)
        if status is RunStatus.RUNNING and not is_alive(row.owner, self.clock() - row.heartbeat_at):
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
        )

    # Outcomes

    def save_outcomes(self, run_id: str, outcomes: Iterable[Outcome]) -> int:
        """Write outcomes into the journal, 500 a transaction, later ones over earlier ones; return how many.

        Counts as a heartbeat.
        """
        statement = self.upsert(
            OUTCOMES,
            ["run_id", "key", "language_tag"],
            ["status", "text", "reason", "model", "findings", "seconds", "from_memory", "rung"],
        )
        saved = 0
        for batch in batches(outcomes):
            rows = [outcome_to_row(run_id, outcome) for outcome in batch]
            with self.transaction() as connection:
                connection.execute(statement, rows)
                connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(heartbeat_at=self.clock()))
            saved += len(batch)
        return saved

    def outcomes(self, run_id: str) -> Iterator[Outcome]:
        """Yield the outcomes of a run in the order in which they first came, in bounded memory."""
        last = -1
        while True:
            page = (
                select(OUTCOMES)
                .where(OUTCOMES.c.run_id == run_id, OUTCOMES.c.id > last)
                .order_by(OUTCOMES.c.id)
                .limit(2 * BATCH)
            )
            with self.transaction() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            last = rows[-1].id
            for row in rows:
                yield outcome_from_row(row)

    def find_outcomes(self, run_id: str, ids: Iterable[tuple[bytes, str]]) -> dict[tuple[bytes, str], Outcome]:
        """Return the outcomes of those segments (key, language tag) of a run that have one."""
        found: dict[tuple[bytes, str], Outcome] = {}
        with self.transaction() as connection:
            for tag, keys in by_language(ids):
                for batch in batches(keys):
                    rows = connection.execute(
                        select(OUTCOMES).where(
                            OUTCOMES.c.run_id == run_id, OUTCOMES.c.key.in_(batch), OUTCOMES.c.language_tag == tag
                        )
                    )
                    found.update({(bytes(row.key), tag): outcome_from_row(row) for row in rows})
        return found

    # Decisions

    def save_decisions(self, run_id: str, decisions: Iterable[Decision]) -> None:
        """Write a person's decisions about units of a run, later ones over earlier ones."""
        now = self.clock()
        statement = self.upsert(
            DECISIONS,
            ["run_id", "product_id", "field", "item", "language_tag"],
            ["key", "action", "text", "note", "decided_at"],
        )
        for batch in batches(_decision_to_row(run_id, decision, now) for decision in decisions):
            with self.transaction() as connection:
                connection.execute(statement, batch)

    def decisions(self, run_id: str) -> dict[tuple[str, str, int | None, str], Decision]:
        """Return the decisions of a run by unit: product id, field, item, language tag."""
        wanted = select(DECISIONS).where(DECISIONS.c.run_id == run_id).order_by(DECISIONS.c.decided_at)
        with self.transaction() as connection:
            made = (_decision_from_row(row) for row in connection.execute(wanted))
            return {decision.unit: decision for decision in made}

    def remove_decisions(self, run_id: str, decisions: Iterable[Decision]) -> None:
        """Forget decisions, as after a unit that was sent back has been translated anew."""
        with self.transaction() as connection:
            for decision in decisions:
                connection.execute(
                    delete(DECISIONS).where(
                        and_(
                            DECISIONS.c.run_id == run_id,
                            DECISIONS.c.product_id == decision.product_id,
                            DECISIONS.c.field == decision.field,
                            DECISIONS.c.item == (NO_ITEM if decision.item is None else decision.item),
                            DECISIONS.c.language_tag == decision.language_tag,
                        )
                    )
                )

    # Settings and what routes achieved

    def setting(self, name: str) -> Any:
        """Return a kept value, None when nothing was kept under `name`."""
        with self.transaction() as connection:
            text = connection.execute(select(SETTINGS.c.value).where(SETTINGS.c.name == name)).scalar_one_or_none()
        return None if text is None else json.loads(text)

    def put_setting(self, name: str, value: Any) -> None:
        """Keep a value that JSON can hold under `name`; None forgets it."""
        with self.transaction() as connection:
            if value is None:
                connection.execute(delete(SETTINGS).where(SETTINGS.c.name == name))
            else:
                row = {"name": name, "value": json.dumps(value)}
                connection.execute(self.upsert(SETTINGS, ["name"], ["value"]), row)

    def add_route_stats(self, stats: Iterable[RouteStats]) -> None:
        """Add what a run learned to the sums kept per engine, language, field kind and model."""
        keys = ["engine", "language_tag", "kind", "model"]
        sums = [column.name for column in ROUTE_STATS.columns if column.name not in keys]
        rows = [{name: getattr(entry, name) for name in (*keys, *sums)} for entry in stats]
        fresh = self.insert(ROUTE_STATS)
        added = {name: ROUTE_STATS.c[name] + fresh.excluded[name] for name in sums}
        with self.transaction() as connection:
            for batch in batches(rows):
                connection.execute(fresh.on_conflict_do_update(index_elements=keys, set_=added), batch)

    def route_stats(self, engine: str | None = None) -> list[RouteStats]:
        """Return what routes achieved, of one engine or of all, most answers first."""
        wanted = select(ROUTE_STATS).order_by(ROUTE_STATS.c.answers.desc())
        if engine is not None:
            wanted = wanted.where(ROUTE_STATS.c.engine == engine)
        with self.transaction() as connection:
            return [RouteStats(**row) for row in connection.execute(wanted).mappings()]


def by_language(ids: Iterable[tuple[bytes, str]]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the segments' keys grouped by language tag, the form in which an index finds them."""
    ordered = sorted(ids, key=lambda ident: ident[1])
    for tag, group in groupby(ordered, key=lambda ident: ident[1]):
        yield tag, [key for key, _ in group]


def _decision_to_row(run_id: str, decision: Decision, now: float) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "product_id": decision.product_id,
        "field": decision.field,
        "item": NO_ITEM if decision.item is None else decision.item,
        "language_tag": decision.language_tag,
        "key": decision.key,
        "action": decision.action.value,
        "text": decision.text,
        "note": decision.note,
        "decided_at": now,
    }


def _decision_from_row(row: Any) -> Decision:
    return Decision(
        product_id=row.product_id,
        field=row.field,
        item=None if row.item == NO_ITEM else row.item,
        language_tag=row.language_tag,
        key=bytes(row.key),
        action=Action(row.action),
        text=row.text,
        note=row.note,
        decided_at=row.decided_at,
    )
