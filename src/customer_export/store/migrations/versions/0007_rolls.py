"""Who is in the files of jobs for several customers, for the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and an index of downloads by their job."""
    op.create_table(
        "job_roll",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("first", sa.LargeBinary, nullable=False),
        sa.Column("last", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("customers", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_job_roll_first", "job_roll", ["first", "last"])
    downloads = sa.text("event = 'downloaded'")
    op.create_index(
        "ix_audit_downloads",
        "audit",
        ["source_export_id", "sequence"],
        sqlite_where=downloads,
        postgresql_where=downloads,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_audit_downloads", "audit")
    op.drop_table("job_roll")
