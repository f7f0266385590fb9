"""Claims: which process translates which segment at this moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table of claims."""
    op.create_table(
        "claims",
        sa.Column("engine", sa.String, primary_key=True),
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("language_tag", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_claims_run_id", "claims", ["run_id"], if_not_exists=True)
    op.create_index("ix_claims_expires_at", "claims", ["expires_at"], if_not_exists=True)
