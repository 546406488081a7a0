"""Schedules and their runs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.String(32)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "schedule",
        sa.Column("schedule_id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("cron", sa.Text, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("export", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("missed", sa.String(16), nullable=False),
        sa.Column("stop_after", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("code", sa.String(32)),
    )
    op.create_index("ix_schedule_due_at", "schedule", ["due_at"])
    op.create_table(
        "schedule_run",
        sa.Column(
            "schedule_id",
            sa.String(32),
            sa.ForeignKey("schedule.schedule_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("due_at", MOMENT, primary_key=True),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("by_hand", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("job_id", sa.String(32)),
        sa.Column("code", sa.String(32)),
    )
    op.create_index("ix_schedule_run_state", "schedule_run", ["state"])


def downgrade() -> None:
    """Drop them."""
    for table in ("schedule_run", "schedule"):
        op.drop_table(table)
