"""The audit becomes a chain, knows which exports have not ended, and tokens may have a tenant."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from customer_export.store.chain import GENESIS, link_hash, record_body

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROWS_AT_ONCE = 1_000  # records in memory at a time: about a megabyte

CHAINED = {
    "at": "at",
    "bytes": "bytes",
    "client": "client",
    "code": "code",
    "customer_id": "customerId",
    "duration_ms": "durationMs",
    "event": "event",
    "export_id": "exportId",
    "format": "format",
    "parameters": "parameters",
    "principal": "principal",
    "rows": "rows",
    "sha256": "sha256",
}
"""The columns of a record as 0001 left it, and the members of the chain that they are, sorted by these."""


def upgrade() -> None:
    """Copy the audit into a table whose numbers have no gaps, each record chained to the one before."""
    op.add_column("token", sa.Column("tenant", sa.Text))
    op.rename_table("audit", "audit_unchained")
    op.drop_index("ix_audit_export_id", "audit_unchained")
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":  # where a key's name is the schema's, and stays with the old table
        op.execute("ALTER INDEX audit_pkey RENAME TO audit_unchained_pkey")
    audit = _create_audit()
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_open",
        sa.Column("export_id", sa.String(32), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
    )
    sequence, hash_ = 0, GENESIS
    for rows in _unchained(connection):
        chained = []
        for row in rows:
            sequence += 1
            body = record_body({member: row[column] for column, member in CHAINED.items()})
            hash_ = link_hash(hash_, sequence, body)
            chained.append({**row, "sequence": sequence, "hash": hash_})
        connection.execute(audit.insert(), chained)
    connection.execute(head.insert(), {"id": 1, "sequence": sequence, "hash": hash_})
    op.drop_table("audit_unchained")
    op.create_index("ix_audit_export_id", "audit", ["export_id"])
    op.create_index("ix_audit_customer_id", "audit", ["customer_id", "sequence"])
    op.execute(
        "INSERT INTO audit_open (export_id, at) SELECT export_id, min(at) FROM audit GROUP BY export_id"
        " HAVING min(event) = 'started' AND max(event) = 'started'"
    )


def _create_audit() -> sa.Table:
    return op.create_table(
        "audit",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("export_id", sa.String(32), nullable=False),
        sa.Column("principal", sa.Text),
        sa.Column("client", sa.Text),
        sa.Column("customer_id", sa.Text),
        sa.Column("format", sa.String(16)),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("code", sa.String(32)),
        sa.Column("rows", sa.BigInteger),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("cache", sa.String(8)),
        sa.Column("source_export_id", sa.String(32)),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _unchained(connection: sa.Connection) -> Iterator[list[dict[str, str | int | None]]]:
    """Give the records in their order, some at a time."""
    old = sa.table("audit_unchained", sa.column("sequence"), *(sa.column(name) for name in CHAINED))
    last = -1
    while True:
        page = sa.select(old).where(old.c.sequence > last).order_by(old.c.sequence).limit(ROWS_AT_ONCE)
        rows = [dict(row) for row in connection.execute(page).mappings()]
        if not rows:
            return
        yield rows
        last = rows[-1]["sequence"]


def downgrade() -> None:
    """Refuse: without its chain the audit proves nothing."""
    raise NotImplementedError("The audit cannot be taken out of its chain")
