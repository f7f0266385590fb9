"""The tables of the databases that were made before versions were counted.

Tables that exist already are left as they are: such a database has no version and begins here, too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create what is missing of the first tables."""
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("report", sa.Text),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("heartbeat_at", sa.Double, nullable=False),
        sa.Column("finished_at", sa.Double),
        if_not_exists=True,
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"], if_not_exists=True)
    op.create_table(
        "outcomes",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("language_tag", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("from_memory", sa.Boolean, nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.UniqueConstraint("run_id", "key", "language_tag", name="one_outcome_a_segment"),
        if_not_exists=True,
    )
    op.create_index("outcomes_in_order", "outcomes", ["run_id", "id"], if_not_exists=True)
    op.create_table(
        "decisions",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("product_id", sa.String, primary_key=True),
        sa.Column("field", sa.String, primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("language_tag", sa.String, primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Double, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "memory",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("language_tag", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("translation", sa.Text, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("product_id", sa.String, nullable=False),
        sa.Column("field", sa.String, nullable=False),
        sa.Column("item", sa.Integer, nullable=False),
        sa.Column("remembered_at", sa.Double, nullable=False),
        sa.UniqueConstraint("engine", "key", "language_tag", "fingerprint", name="one_translation_a_prompt"),
        if_not_exists=True,
    )
    op.create_table(
        "units",
        sa.Column("engine", sa.String, primary_key=True),
        sa.Column("product_id", sa.String, primary_key=True),
        sa.Column("field", sa.String, primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("language_tag", sa.String, primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("previous_key", sa.LargeBinary),
        if_not_exists=True,
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "route_stats",
        sa.Column("engine", sa.String, primary_key=True),
        sa.Column("language_tag", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("answers", sa.BigInteger, nullable=False),
        sa.Column("passed", sa.BigInteger, nullable=False),
        sa.Column("repaired", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("seconds_sum", sa.Double, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_usd", sa.Double, nullable=False),
        if_not_exists=True,
    )
