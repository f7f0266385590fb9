"""The tables: runs, their outcomes and catalogues, decisions, the memory, claims, settings, what routes achieved."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

# SQLite counts rows by itself only for INTEGER keys; PostgreSQL needs the wide type for many runs.
_ROW_ID = BigInteger().with_variant(Integer, "sqlite")

# Names the revision that brought a column to a table that was there before.
SINCE = "since"

# Stands for "no position" in the columns called item: NULL is never equal to itself in a unique key.
NO_ITEM = -1

RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("engine", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("spec", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("report", Text),
    Column("owner", String, nullable=False),
    Column("started_at", Double, nullable=False, index=True),
    Column("heartbeat_at", Double, nullable=False),
    Column("finished_at", Double),
    # The SHA-256 of the catalogue that it began with, null where that was no file.
    Column("catalog_sha256", String, info={SINCE: "0003"}),
)

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("run_id", String, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("language_tag", String, nullable=False),
    Column("status", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("model", String, nullable=False),
    Column("findings", Text, nullable=False),
    Column("seconds", Double),
    Column("from_memory", Boolean, nullable=False),
    Column("rung", Integer, nullable=False),
    UniqueConstraint("run_id", "key", "language_tag", name="one_outcome_a_segment"),
    Index("outcomes_in_order", "run_id", "id"),
)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("product_id", String, primary_key=True),
    Column("field", String, primary_key=True),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("language_tag", String, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("action", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("decided_at", Double, nullable=False),
)

MEMORY = Table(
    "memory",
    METADATA,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("engine", String, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("language_tag", String, nullable=False),
    # Empty for a person's translation, which holds whatever the prompt was.
    Column("fingerprint", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("source", Text, nullable=False),
    Column("translation", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("model", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("findings", Text, nullable=False),
    Column("product_id", String, nullable=False),
    Column("field", String, nullable=False),
    Column("item", Integer, nullable=False),
    Column("remembered_at", Double, nullable=False),
    UniqueConstraint("engine", "key", "language_tag", "fingerprint", name="one_translation_a_prompt"),
)

# Who translates what at this moment, until the memory has it; `expires_at` is by the clock of the database's host.
CLAIMS = Table(
    "claims",
    METADATA,
    Column("engine", String, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("language_tag", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("run_id", String, nullable=False, index=True),
    Column("expires_at", Double, nullable=False, index=True),
)

# Which source text every unit had last and before, so that a changed text can be shown beside its old one.
UNITS = Table(
    "units",
    METADATA,
    Column("engine", String, primary_key=True),
    Column("product_id", String, primary_key=True),
    Column("field", String, primary_key=True),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("language_tag", String, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("previous_key", LargeBinary),
)

# Catalogues that were given to the page, each content once.
UPLOADS = Table(
    "uploads",
    METADATA,
    Column("sha256", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("given_at", Double, nullable=False),
)

SETTINGS = Table(
    "settings",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

ROUTE_STATS = Table(
    "route_stats",
    METADATA,
    Column("engine", String, primary_key=True),
    Column("language_tag", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("answers", BigInteger, nullable=False),
    Column("passed", BigInteger, nullable=False),
    Column("repaired", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("seconds_sum", Double, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("cost_usd", Double, nullable=False),
)
