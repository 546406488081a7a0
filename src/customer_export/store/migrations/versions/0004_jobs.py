"""Jobs, their parts and their files."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.String(32)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("submitter", sa.Text, nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("layout", sa.String(16), nullable=False),
        sa.Column("job_order", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("fingerprint_in_flight", sa.String(64), unique=True),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("dispatched_at", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("cancel_requested_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("customers", sa.BigInteger),
        sa.Column("code", sa.String(32)),
        sa.Column("link_generation", sa.Integer, nullable=False),
        sa.Column("manifest", sa.Text),
        sa.UniqueConstraint("principal", "idempotency_key", name="uq_job_idempotency_key"),
    )
    op.create_index("ix_job_state", "job", ["state"])
    op.create_index("ix_job_created_at", "job", ["created_at", "job_id"])
    op.create_table(
        "job_part",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("job.job_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("partition", sa.Text, nullable=False),
        sa.Column("begun", sa.Integer, nullable=False),
        sa.Column("customers_done", sa.BigInteger, nullable=False),
        sa.Column("customers_failed", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(32)),
        sa.Column("result", sa.Text),
    )
    op.create_table(
        "job_file",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("job.job_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(600), primary_key=True),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("artifact", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them: their files are left where they are."""
    for table in ("job_file", "job_part", "job"):
        op.drop_table(table)
