"""The passphrase of a job, sealed, as long as it is in flight."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("job", sa.Column("sealed_passphrase", sa.LargeBinary))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("job") as job:
        job.drop_column("sealed_passphrase")
