"""Tokens, the audit and manifests."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "token",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32)),
        sa.Column("revoked_at", sa.String(32)),
    )
    op.create_index("ix_token_name", "token", ["name"])
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("export_id", sa.String(32), nullable=False),
        sa.Column("principal", sa.Text),
        sa.Column("client", sa.Text),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("format", sa.String(16)),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("code", sa.String(32)),
        sa.Column("rows", sa.BigInteger),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("duration_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_export_id", "audit", ["export_id"])
    op.create_table(
        "manifest",
        sa.Column("export_id", sa.String(32), primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("members", sa.Text, nullable=False),
    )
    op.create_index("ix_manifest_customer_id", "manifest", ["customer_id"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("manifest", "audit", "token"):
        op.drop_table(table)
