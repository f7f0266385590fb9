"""What routes achieved, as sums that every run adds to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from ketl.results.route_stats import RouteStats
from ketl.store.database import Database
from ketl.store.tables import ROUTE_STATS

_KEYS = ("engine", "language_tag", "kind", "model")
_SUMS = tuple(column.name for column in ROUTE_STATS.columns if column.name not in _KEYS)


class KeptRouteStats:
    """The sums of one database, by engine, language, field kind and model."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, stats: Iterable[RouteStats]) -> None:
        """Add what a run learned to the sums."""
        rows = [{name: getattr(entry, name) for name in (*_KEYS, *_SUMS)} for entry in stats]
        if not rows:
            return
        fresh = self._database.insert(ROUTE_STATS)
        added = {name: ROUTE_STATS.c[name] + fresh.excluded[name] for name in _SUMS}
        with self._database.transaction() as connection:
            connection.execute(fresh.on_conflict_do_update(index_elements=_KEYS, set_=added), rows)

    def all(self, engine: str | None = None) -> list[RouteStats]:
        """Return what routes achieved, of one engine or of all, most answers first."""
        wanted = select(ROUTE_STATS).order_by(ROUTE_STATS.c.answers.desc())
        if engine is not None:
            wanted = wanted.where(ROUTE_STATS.c.engine == engine)
        with self._database.transaction() as connection:
            return [RouteStats(**row) for row in connection.execute(wanted).mappings()]
