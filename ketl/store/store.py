"""The program's database with everything that is kept in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from sqlalchemy.engine import URL

from ketl.store.claims import KeptClaims
from ketl.store.database import Database
from ketl.store.decisions import Decisions
from ketl.store.journal import Journal
from ketl.store.route_stats import KeptRouteStats
from ketl.store.settings import KeptSettings
from ketl.store.uploads import KeptUploads


class Store:
    """One database, opened; one object serves every thread of a process.

    `journal` has the runs and their outcomes, `decisions` what a person decided of them, `settings` values by
    name, `route_stats` what routes achieved, `claims` who translates what at this moment, `uploads` the catalogues
    that were given to the page; `database` is for those who keep tables of their own in it, as the memory does. Every
    method of these raises RunError with a sentence when the database fails while it works.
    """

    def __init__(self, url: str | URL | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Open the database at `url`, by default the one that the environment names.

        `clock` returns seconds since 1970. Raises SettingsError when the database cannot be opened.
        """
        self.database = Database(url, clock=clock)
        self.journal = Journal(self.database)
        self.decisions = Decisions(self.database)
        self.settings = KeptSettings(self.database)
        self.route_stats = KeptRouteStats(self.database)
        self.claims = KeptClaims(self.database)
        self.uploads = KeptUploads(self.database)

    def close(self) -> None:
        """Give back all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
