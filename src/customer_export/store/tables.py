"""The tables of our own database, as the newest migration leaves them."""

import sqlalchemy as sa

METADATA = sa.MetaData()

MOMENT = sa.String(32)
"""Moments are kept as ISO 8601 text in UTC: exact, sortable, and the same on SQLite and PostgreSQL."""

TOKENS = sa.Table(
    "token",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("expires_at", MOMENT),
    sa.Column("revoked_at", MOMENT),
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("export_id", sa.String(32), nullable=False, index=True),
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

MANIFESTS = sa.Table(
    "manifest",
    METADATA,
    sa.Column("export_id", sa.String(32), primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False, index=True),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("members", sa.Text, nullable=False),
)
