"""Catalogues that were given to the page: kept in the database, each content once, as long as a run needs it."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, exists, select, update

from ketl.errors import CatalogError
from ketl.store.database import Database
from ketl.store.tables import RUNS, UPLOADS

# What the page takes, too (`maxUploadSize` in .streamlit/config.toml).
MOST_BYTES = 20 * 1024 * 1024
# A catalogue that nothing was translated of may still be open in somebody's browser.
UNUSED_KEPT_S = 7 * 24 * 3600.0


class KeptUploads:
    """The catalogues in one database, by the SHA-256 of their content."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, name: str, content: bytes) -> str:
        """Keep the content of a file called `name` and return its SHA-256 in hexadecimal; equal ones lie there once.

        What no run began with and nobody gave for a week is forgotten. Raises CatalogError above `MOST_BYTES`.
        """
        if len(content) > MOST_BYTES:
            raise CatalogError(
                f"{name} has {len(content) / (1024 * 1024):,.1f} MB; the page takes up to {MOST_BYTES >> 20} MB. Give "
                "it in parts, or translate it on the command line, which takes files of any size."
            )
        sha256, now = hashlib.sha256(content).hexdigest(), self._database.clock()
        with self._database.transaction() as connection:
            given = update(UPLOADS).where(UPLOADS.c.sha256 == sha256).values(given_at=now)
            if not connection.execute(given).rowcount:
                row = {"sha256": sha256, "content": content, "given_at": now}
                connection.execute(self._database.insert(UPLOADS).on_conflict_do_nothing(), row)
            connection.execute(
                delete(UPLOADS)
                .where(UPLOADS.c.given_at < now - UNUSED_KEPT_S)
                .where(~exists().where(RUNS.c.catalog_sha256 == UPLOADS.c.sha256))
            )
        return sha256

    def __contains__(self, sha256: str) -> bool:
        with self._database.transaction() as connection:
            found = connection.execute(select(UPLOADS.c.sha256).where(UPLOADS.c.sha256 == sha256))
            return found.scalar_one_or_none() is not None

    def content(self, sha256: str) -> bytes | None:
        """Return what was kept under a SHA-256, None when there is nothing."""
        with self._database.transaction() as connection:
            found = connection.execute(select(UPLOADS.c.content).where(UPLOADS.c.sha256 == sha256))
            content = found.scalar_one_or_none()
        return None if content is None else bytes(content)
