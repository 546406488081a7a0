"""The store's contract, held by each database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from customer_export.errors import ConfigurationError, StoreUnavailableError
from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.model.manifest import CompleteManifest, FileProof, Manifest, SectionProof
from customer_export.store.database import (
    MIGRATIONS,
    NEWEST_REVISION,
    open_database,
    require_newest,
    revision,
    upgrade,
)
from customer_export.store.interface import StoredToken
from customer_export.store.sql import SqlStore
from customer_export.store.tables import METADATA
from servers import PostgresqlServer

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
EXPORT_ID = "0123456789abcdef" * 2

TOKEN = StoredToken(
    name="jane", digest="d" * 64, scopes=("customers:export", "audit:read"), created_at=NOW, expires_at=None
)
RECORD = AuditRecord(
    at=NOW,
    event=AuditEvent.STARTED,
    export_id=EXPORT_ID,
    principal=None,
    client=None,
    customer_id="ключ'\"; DROP TABLE audit; --",
    format=None,
    parameters="format=csv&sections=заказы",
)
MANIFEST = CompleteManifest(
    manifest=Manifest(
        export_id=EXPORT_ID,
        created_at=NOW,
        customer_id="Ключ",
        requested_by="jane",
        tenant=None,
        masked={},
        format="csv",
        parameters={"format": "csv", "tz": "Europe/Paris"},
        locale="en",
        time_zone="Europe/Paris",
        snapshot_at="2026-01-31T12:00:00+00:00",
        snapshot_server="PostgreSQL 18",
        snapshot_identity="1:2:",
        map_name="Shop",
        map_version="0" * 16,
        software="customer-export 0",
        sections=(
            SectionProof(
                name="orders",
                rows=2**40,
                filtered=False,
                columns=(),
                key=(),
                sha256=lambda: "b" * 64,
                key_sha256=lambda: None,
            ),
        ),
    ),
    file=FileProof(name="customer.csv", media_type="text/csv", size_bytes=2**40, sha256="a" * 64),
)


def test_a_token_is_found_by_its_digest_and_nothing_else(store: SqlStore) -> None:
    store.add_token(TOKEN)
    assert store.token(TOKEN.digest) == TOKEN
    assert store.token("jane") is None
    assert store.token(TOKEN.digest.upper()) is None


def test_moments_are_kept_to_the_microsecond_whatever_their_offset(store: SqlStore) -> None:
    east = NOW.astimezone(timezone(timedelta(hours=9, minutes=30)))
    token = replace(TOKEN, created_at=east, expires_at=east + timedelta(days=1), revoked_at=east)
    store.add_token(token)
    assert store.token(TOKEN.digest) == token


def test_tokens_are_listed_from_the_oldest_on(store: SqlStore) -> None:
    tokens = [
        replace(TOKEN, name=f"t{day}", digest=f"{day}" * 64, created_at=NOW + timedelta(days=day)) for day in (3, 1, 2)
    ]
    for token in tokens:
        store.add_token(token)
    assert [token.name for token in store.tokens()] == ["t1", "t2", "t3"]


def test_revoking_ends_every_token_of_a_name_once(store: SqlStore) -> None:
    other = replace(TOKEN, name="joe", digest="0" * 64)
    for token in (TOKEN, replace(TOKEN, digest="e" * 64), other):
        store.add_token(token)
    assert store.revoke_token("jane", at=NOW)
    assert {token.name: token.revoked_at for token in store.tokens()} == {"jane": NOW, "joe": None}
    assert not store.revoke_token("jane", at=NOW + timedelta(days=1))
    assert not store.revoke_token("nobody", at=NOW)
    assert store.token("e" * 64) == replace(TOKEN, digest="e" * 64, revoked_at=NOW)


def test_the_audit_keeps_every_member_in_the_order_of_events(store: SqlStore) -> None:
    ended = replace(
        RECORD, event=AuditEvent.COMPLETED, at=NOW - timedelta(days=1), principal="jane", client="127.0.0.1",
        format="csv", code="EXPORT_SIZE_EXCEEDED", rows=2**40, bytes=2**50, sha256="a" * 64, duration_ms=2**40,
    )  # fmt: skip
    store.record(RECORD)
    store.record(ended)
    store.record(replace(RECORD, export_id="f" * 32))
    assert store.audit_of(EXPORT_ID) == [RECORD, ended]
    assert store.audit_of("0" * 32) == []


def test_a_manifest_comes_back_as_it_was(store: SqlStore) -> None:
    assert store.manifest(EXPORT_ID) is None
    store.record(RECORD, manifest=MANIFEST)
    assert store.manifest(EXPORT_ID) == MANIFEST.members()


def test_a_record_and_its_manifest_are_kept_both_or_neither(store: SqlStore) -> None:
    store.record(RECORD, manifest=MANIFEST)
    with pytest.raises(StoreUnavailableError):  # there is a manifest of that export already
        store.record(replace(RECORD, event=AuditEvent.COMPLETED), manifest=MANIFEST)
    assert store.audit_of(EXPORT_ID) == [RECORD]


def test_threads_may_write_at_the_same_time(store: SqlStore) -> None:
    def record(number: int) -> None:
        store.record(replace(RECORD, export_id=f"{number:032}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(100)))
    assert all(len(store.audit_of(f"{number:032}")) == 1 for number in range(100))


def test_two_processes_may_have_it_open(engine: sa.Engine, store: SqlStore) -> None:
    other = open_database(engine.url.render_as_string(hide_password=False))
    try:
        SqlStore(other).add_token(TOKEN)
        assert store.token(TOKEN.digest) == TOKEN
    finally:
        other.dispose()


def test_a_database_without_tables_is_told_without_what_was_to_be_kept(empty_engine: sa.Engine) -> None:
    store = SqlStore(empty_engine)
    with pytest.raises(StoreUnavailableError) as told:
        store.record(RECORD)
    assert "DATABASE_URL" in told.value.message
    assert "DROP TABLE" not in told.value.message


def test_migrations_lead_from_an_empty_database_to_the_newest_schema_and_may_be_repeated(
    empty_engine: sa.Engine,
) -> None:
    assert revision(empty_engine) is None
    upgrade(empty_engine)
    assert revision(empty_engine) == NEWEST_REVISION
    upgrade(empty_engine)
    assert revision(empty_engine) == NEWEST_REVISION


def test_the_tables_of_the_code_are_those_of_the_migrations(empty_engine: sa.Engine) -> None:
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_newest_revision_is_the_one_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST_REVISION]


def test_a_sqlite_file_is_brought_up_to_date_and_postgresql_names_the_command(empty_engine: sa.Engine) -> None:
    if empty_engine.dialect.name == "sqlite":
        require_newest(empty_engine)
        assert revision(empty_engine) == NEWEST_REVISION
        return
    with pytest.raises(ConfigurationError, match=r"schema revision None.*customer-export db upgrade"):
        require_newest(empty_engine)
    upgrade(empty_engine)
    require_newest(empty_engine)


def test_a_newer_schema_than_ours_is_not_touched(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises((ConfigurationError, StoreUnavailableError)):
        require_newest(engine)


def test_a_postgresql_that_stops_is_told_and_used_again_when_it_is_back(mortal_postgresql: PostgresqlServer) -> None:
    engine = open_database(mortal_postgresql.create_database("own"))
    upgrade(engine)
    store = SqlStore(engine)
    store.check()
    mortal_postgresql.stop()
    for attempt in (store.check, store.tokens, lambda: store.record(RECORD), lambda: revision(engine)):
        with pytest.raises(StoreUnavailableError, match="DATABASE_URL does not answer"):
            attempt()
    mortal_postgresql.start()
    store.record(RECORD)
    assert store.audit_of(EXPORT_ID) == [RECORD]
    store.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "is no URL"),
        ("mysql://host/db", "begins with 'mysql'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://host:port/db", "is no URL"),
        ("sqlite:////dev/null/own.db", "/dev/null"),
    ],
)
def test_a_wrong_url_is_told_with_the_right_form(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        open_database(url)


def test_a_sqlite_file_survives_a_crash_and_lets_readers_read(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'own.db'}")
    try:
        with engine.connect() as connection:
            assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2
    finally:
        engine.dispose()
