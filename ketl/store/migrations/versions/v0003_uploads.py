"""Catalogues given to the page, kept with the runs that need them, and of every run which catalogue it began with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table of uploads, and give runs the column that names their catalogue."""
    op.create_table(
        "uploads",
        sa.Column("sha256", sa.String, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("given_at", sa.Double, nullable=False),
        if_not_exists=True,
    )
    op.add_column("runs", sa.Column("catalog_sha256", sa.String))
