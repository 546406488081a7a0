"""Purges with their receipts, and whom jobs in flight leave out."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.String(32)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "purge",
        sa.Column("purge_id", sa.String(32), primary_key=True),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text),
    )
    op.create_index("ix_purge_begun_at", "purge", ["begun_at"])
    op.create_table(
        "job_exclusion",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("job.job_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("customer_id", sa.Text, primary_key=True),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("job_exclusion", "purge"):
        op.drop_table(table)
