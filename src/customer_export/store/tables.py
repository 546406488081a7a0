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
    sa.Column("tenant", sa.Text),
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("export_id", sa.String(32), nullable=False, index=True),
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
    sa.Index("ix_audit_customer_id", "customer_id", "sequence"),
    sa.Index(
        "ix_audit_downloads",
        "source_export_id",
        "sequence",
        sqlite_where=sa.text("event = 'downloaded'"),
        postgresql_where=sa.text("event = 'downloaded'"),
    ),
)

AUDIT_HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
"""One row, of id 1: the end of the chain. Whoever appends locks it, so that there is one chain for all processes."""

AUDIT_OPEN = sa.Table(
    "audit_open",
    METADATA,
    sa.Column("export_id", sa.String(32), primary_key=True),
    sa.Column("at", MOMENT, nullable=False),
)
"""The exports that have a start on record and no outcome: few, and found without reading the audit."""

MANIFESTS = sa.Table(
    "manifest",
    METADATA,
    sa.Column("export_id", sa.String(32), primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False, index=True),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("members", sa.Text, nullable=False),
)

SIGNING_KEYS = sa.Table(
    "signing_key",
    METADATA,
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key_id", sa.String(43), nullable=False, unique=True),
    sa.Column("public", sa.String(43), nullable=False),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("created_at", MOMENT, nullable=False),
)
"""Of two processes that make a key at a time one finds its generation taken. Public parts stay, private ones do not."""

JOBS = sa.Table(
    "job",
    METADATA,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
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
    sa.Column("sealed_passphrase", sa.LargeBinary),
    sa.UniqueConstraint("principal", "idempotency_key", name="uq_job_idempotency_key"),
    sa.Index("ix_job_created_at", "created_at", "job_id"),
)
"""`fingerprint_in_flight` is the fingerprint until the job ends: two jobs in flight never ask for the same."""

JOB_PARTS = sa.Table(
    "job_part",
    METADATA,
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
"""`begun` counts how often a worker began it. The figures of a part that is under way are set, never added to."""

JOB_FILES = sa.Table(
    "job_file",
    METADATA,
    sa.Column("job_id", sa.String(32), sa.ForeignKey("job.job_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(600), primary_key=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("artifact", sa.Text, nullable=False),
)

JOB_ROLLS = sa.Table(
    "job_roll",
    METADATA,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.LargeBinary, nullable=False),
    sa.Column("last", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("customers", sa.LargeBinary, nullable=False),
    sa.Index("ix_job_roll_first", "first", "last"),
)
"""Who is in the files of a part (`store/rolls.py`). It stays when the job is forgotten, since the audit does."""

SCHEDULES = sa.Table(
    "schedule",
    METADATA,
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
    sa.Column("due_at", MOMENT, index=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("code", sa.String(32)),
    sa.Column("target", sa.String(16), nullable=False, server_default="files"),
)

SCHEDULE_RUNS = sa.Table(
    "schedule_run",
    METADATA,
    sa.Column(
        "schedule_id", sa.String(32), sa.ForeignKey("schedule.schedule_id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("due_at", MOMENT, primary_key=True),
    sa.Column("begun_at", MOMENT, nullable=False),
    sa.Column("by_hand", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("job_id", sa.String(32)),
    sa.Column("code", sa.String(32)),
)
"""A moment of a schedule has one run, whoever begins it."""

WEBHOOKS = sa.Table(
    "webhook",
    METADATA,
    sa.Column("webhook_id", sa.String(32), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("all_jobs", sa.Boolean, nullable=False),
    sa.Column("secrets", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("reason", sa.Text),
)

WEBHOOK_DELIVERIES = sa.Table(
    "webhook_delivery",
    METADATA,
    sa.Column("delivery_id", sa.String(40), primary_key=True),
    sa.Column("webhook_id", sa.String(32), sa.ForeignKey("webhook.webhook_id", ondelete="CASCADE"), nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("due_at", MOMENT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("tried_at", MOMENT),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Index("ix_webhook_delivery_due", "state", "due_at"),
    sa.Index("ix_webhook_delivery_webhook_id", "webhook_id", "delivery_id"),
)

PURGES = sa.Table(
    "purge",
    METADATA,
    sa.Column("purge_id", sa.String(32), primary_key=True),
    sa.Column("begun_at", MOMENT, nullable=False, index=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("receipt", sa.Text),
)
"""A row is there from a purge's first step on; its receipt when it has come to its end."""

JOB_EXCLUSIONS = sa.Table(
    "job_exclusion",
    METADATA,
    sa.Column("job_id", sa.String(32), sa.ForeignKey("job.job_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("customer_id", sa.Text, primary_key=True),
)
"""Who was purged while a job was in flight: no part of it that ends later has them."""

TEMPLATES = sa.Table(
    "template",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("saved_at", MOMENT, nullable=False),
    sa.Column("saved_by", sa.Text, nullable=False),
    sa.Column("deleted_at", MOMENT),
)
