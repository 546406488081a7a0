"""Keys that sign manifests."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of keys."""
    op.create_table(
        "signing_key",
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key_id", sa.String(43), nullable=False, unique=True),
        sa.Column("public", sa.String(43), nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("created_at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    """Refuse: without the public keys nobody could check what was signed."""
    raise NotImplementedError("Keys cannot be taken back that manifests are signed with")
