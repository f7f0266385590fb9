"""Values kept under a name, such as the limits that answers taught."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import delete, select

from ketl.store.database import Database
from ketl.store.tables import SETTINGS


class KeptSettings:
    """The kept values of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Any:
        """Return a kept value, None when nothing was kept under `name`."""
        with self._database.transaction() as connection:
            text = connection.execute(select(SETTINGS.c.value).where(SETTINGS.c.name == name)).scalar_one_or_none()
        return None if text is None else json.loads(text)

    def put(self, name: str, value: Any) -> None:
        """Keep a value that JSON can hold under `name`; None forgets it."""
        with self._database.transaction() as connection:
            if value is None:
                connection.execute(delete(SETTINGS).where(SETTINGS.c.name == name))
            else:
                row = {"name": name, "value": json.dumps(value)}
                connection.execute(self._database.upsert(SETTINGS, ["name"], ["value"]), row)
