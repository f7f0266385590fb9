"""Key, address and database from secrets or environment, read once into one frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ketl._words import hide_key
from ketl.errors import SettingsError

DEMO_KEY = "demo-key-for-the-local-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a process works with. Without a key the engine is "demo": the local server, started by itself.

    `api_key` and `base_url` are None in demo; `database_url` None means the SQLite file in the user's data
    folder.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    database_url: str | None = None

    @property
    def engine(self) -> str:
        """`groq` with a key, `demo` without: the memory never mixes the two."""
        return "groq" if self.api_key else "demo"


def load_settings(
    environment: Mapping[str, str] | None = None, secrets: Mapping[str, object] | None = None
) -> Settings:
    """Return the settings in the environment (GROQ_API_KEY, GROQ_BASE_URL, KETL_DATABASE_URL), else in `secrets`.

    Raises SettingsError when the base URL is no http address, or the key holds characters no key has.
    """
    env = os.environ if environment is None else environment

    def read(name: str) -> str | None:
        value = env.get(name) or (secrets or {}).get(name)
        return str(value).strip() or None if value else None

    key, url = read("GROQ_API_KEY"), read("GROQ_BASE_URL")
    if key is not None and (not key.isascii() or any(c.isspace() or not c.isprintable() for c in key)):
        raise SettingsError("GROQ_API_KEY holds spaces or characters no key has. Copy the key again.")
    if key is not None:
        # From here on, before anything can fail: no message and no line of the log may hold it.
        hide_key(key)
    if url is not None and not url.startswith(("http://", "https://")):
        raise SettingsError(f"GROQ_BASE_URL must begin with http:// or https://, not “{url}”.")
    return Settings(api_key=key, base_url=url if key else None, database_url=read("KETL_DATABASE_URL"))
