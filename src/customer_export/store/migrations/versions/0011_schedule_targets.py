"""Where the files of a schedule go."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("schedule", sa.Column("target", sa.String(16), nullable=False, server_default="files"))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("schedule") as schedule:
        schedule.drop_column("target")
