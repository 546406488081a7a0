"""The audit is one gapless chain, whoever writes it, and tells who has not ended."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from audit_records import ENDED, NOW, ended, started, tamper
from hypothesis import given
from hypothesis import strategies as st

from customer_export.errors import ExportInterruptedError, StoreUnavailableError
from customer_export.model.audit import AuditEntry, AuditEvent, AuditFilter, AuditRecord, CacheUse
from customer_export.model.request import Period
from customer_export.store import database
from customer_export.store.chain import GENESIS, link_hash, record_body
from customer_export.store.database import MIGRATIONS, open_database, upgrade
from customer_export.store.journal import kept_record
from customer_export.store.sql import SqlStore
from program import forked
from servers import wait_until

WRITERS, RECORDS_EACH = 3, 20
DOOMED = "doomed"  # the name under which a process that will be killed connects


def entries(store: SqlStore) -> list[AuditEntry]:
    """Give the whole audit, the oldest first."""
    return list(reversed(store.audit(AuditFilter(), limit=1_000_000)))


def hash_by_the_book(previous: str, members: dict[str, Any]) -> str:
    """Do what docs/audit.md says, with nothing of ours: of an entry's JSON, as it is listed."""
    kept = {name: value for name, value in members.items() if value is not None and name not in {"hash", "sequence"}}
    body = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{members['sequence']}\n{body}".encode()).hexdigest()


def assert_chained(found: list[AuditEntry]) -> None:
    previous = GENESIS
    for number, entry in enumerate(found, start=1):
        assert entry.sequence == number
        assert entry.hash == hash_by_the_book(previous, json.loads(json.dumps(entry.members())))
        previous = entry.hash


def test_records_are_counted_from_one_and_each_is_hashed_with_the_one_before(store: SqlStore) -> None:
    record = started(principal="Zoë \x7f\u2028 \"'\\ \t", parameters="x" * 2_000, customer_id=None)
    store.record(record)
    store.record(
        replace(record, event=AuditEvent.FAILED, code="X", cache=CacheUse.HIT, source_export_id="e" * 32, rows=2**62)
    )
    store.append([started(), ended()]).wait()
    assert len(entries(store)) == 4
    assert_chained(entries(store))


@given(st.text(), st.integers(min_value=-(2**53), max_value=2**53))
def test_a_body_is_the_canonical_json_of_rfc_8785(text: str, number: int) -> None:
    record = replace(ENDED, parameters=text, principal=text or None, rows=number)
    kept = kept_record(record)
    members = {name: value for name, value in kept.members.items() if value is not None}
    assert kept.body.decode() == json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_every_field_of_a_record_is_a_member_and_changes_the_hash() -> None:
    bodies = {record_body(ENDED.members())}
    for each in fields(AuditRecord):
        other: object = getattr(ENDED, each.name)
        changed: object = (
            other + timedelta(microseconds=1)
            if isinstance(other, datetime)
            else AuditEvent.FAILED
            if isinstance(other, AuditEvent)
            else CacheUse.MISS
            if each.name == "cache"
            else f"{other}!"
        )
        bodies.add(record_body(replace(ENDED, **{each.name: changed}).members()))  # type: ignore[arg-type]
    assert len(bodies) == 1 + len(fields(AuditRecord))
    assert list(ENDED.members()) == sorted(ENDED.members())


def test_a_place_changes_the_hash() -> None:
    assert len({link_hash(previous, place, b"{}") for previous in (GENESIS, "1" * 64) for place in (1, 11)}) == 4


def test_what_no_database_keeps_is_replaced_before_it_is_hashed(store: SqlStore) -> None:
    store.record(ended(principal="a\0b\ud800c", client="\\u0000"))
    ((entry),) = entries(store)
    assert (entry.record.principal, entry.record.client) == ("a\N{REPLACEMENT CHARACTER}b?c", "\\u0000")
    assert store.verify_chain().whole


def test_a_database_keeps_events_that_are_about_no_customer(store: SqlStore) -> None:
    purged = ended(event=AuditEvent.PURGED, customer_id=None, format=None, rows=None, bytes=None, sha256=None)
    limited = replace(purged, event=AuditEvent.LIMITED, export_id="f" * 32, principal=None)
    store.append([purged, limited]).wait()
    assert [entry.record for entry in entries(store)] == [purged, limited]


# Many at a time


def _write(url: str, writer: int) -> None:
    engine = open_database(url)
    store = SqlStore(engine)
    for number in range(RECORDS_EACH):
        record = started(principal=f"{writer}:{number}")
        store.append([record]).wait()
        store.record(replace(record, event=AuditEvent.COMPLETED))
    store.close()


def _write_for_ever(url: str) -> None:
    store = SqlStore(open_database(url))
    while True:
        store.append([started(), ended()]).wait()


def is_connected(engine: sa.Engine, application: str) -> bool:
    """Say whether PostgreSQL still works for an application; a process's last COMMIT may outlive it there."""
    if engine.dialect.name == "sqlite":
        return False
    found = "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND datname = current_database()"
    with engine.connect() as connection:
        return bool(connection.execute(sa.text(found), {"name": application}).scalar_one())


def test_several_processes_with_several_threads_write_one_chain(engine: sa.Engine, store: SqlStore) -> None:
    url = engine.url.render_as_string(hide_password=False)
    processes = [forked().Process(target=_write, args=(url, number)) for number in range(WRITERS)]
    for process in processes:
        process.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.record(ended(principal=f"own:{number}")), range(RECORDS_EACH)))
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = entries(store)
    assert len(found) == WRITERS * RECORDS_EACH * 2 + RECORDS_EACH
    assert_chained(found)
    assert store.verify_chain().whole
    for writer in range(WRITERS):  # each writer's records are in its order
        written = [entry.record.principal for entry in found if str(entry.record.principal).startswith(f"{writer}:")]
        assert written == [f"{writer}:{number // 2}" for number in range(RECORDS_EACH * 2)]


def test_what_is_appended_together_stands_together(store: SqlStore) -> None:
    def append(_number: int) -> None:
        first = started()
        store.append([first, replace(first, event=AuditEvent.COMPLETED)]).wait()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(60)))
    ids = [entry.record.export_id for entry in entries(store)]
    assert len(ids) == 120
    assert ids[::2] == ids[1::2]
    assert store.verify_chain().open_exports == 0


def test_an_entry_that_is_refused_takes_no_other_with_it(engine: sa.Engine, store: SqlStore) -> None:
    if engine.dialect.name == "sqlite":
        tamper(engine, "CREATE UNIQUE INDEX one_client ON audit (client) WHERE client = 'bad'")
        store.record(ended(client="bad"))
    before = len(entries(store))
    good = [store.append([ended()]) for _ in range(20)]
    # too long for PostgreSQL's column, and one too many for SQLite's index
    bad = [store.append([ended(client="bad", code="X" * 33)]) for _ in range(3)]
    good += [store.append([ended()]) for _ in range(20)]
    for appending in good:
        appending.wait()
    for appending in bad:
        with pytest.raises(StoreUnavailableError):
            appending.wait()
    assert len(entries(store)) == before + len(good)
    assert_chained(entries(store))


def test_a_process_that_holds_the_audit_and_does_not_go_on_is_told(
    monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 100)
    engine, other = (open_database(url) for url in [new_database()] * 2)
    try:
        upgrade(engine)
        store = SqlStore(engine)
        store.record(ended())
        with other.begin() as holding:
            holding.execute(sa.text("UPDATE audit_head SET id = id"))
            with pytest.raises(StoreUnavailableError):
                store.record(ended())
        store.record(ended())
        assert store.verify_chain().records == 2
    finally:
        engine.dispose()
        other.dispose()


def test_a_process_that_dies_while_it_writes_leaves_nothing_of_it(engine: sa.Engine, store: SqlStore) -> None:
    url = engine.url if engine.dialect.name == "sqlite" else engine.url.update_query_dict({"application_name": DOOMED})
    text = url.render_as_string(hide_password=False)
    process = forked().Process(target=_write_for_ever, args=(text,))
    process.start()
    wait_until(lambda: len(entries(store)) > 20, what="some records")
    process.kill()
    process.join()
    wait_until(lambda: not is_connected(engine, DOOMED), what="the server to finish what the process had sent")
    before = len(entries(store))
    store.record(ended())
    assert len(entries(store)) == before + 1
    assert store.verify_chain().whole


# One start, one end


def test_an_export_ends_once(store: SqlStore) -> None:
    record = started()
    store.record(record)
    store.record(replace(record, event=AuditEvent.FAILED))
    for late in (AuditEvent.COMPLETED, AuditEvent.FAILED, AuditEvent.DENIED, AuditEvent.STARTED):
        with pytest.raises(ExportInterruptedError):
            store.record(replace(record, event=late))
    assert [each.event for each in store.audit_of(record.export_id)] == ["started", "failed"]


def test_of_many_ends_at_a_time_one_is_recorded(store: SqlStore) -> None:
    record = started()
    store.record(record)
    appendings = [store.append([replace(record, event=AuditEvent.FAILED)]) for _ in range(10)]
    assert sum(appending.written.exception() is None for appending in appendings) == 1
    assert len(entries(store)) == 2


def test_exports_without_an_end_are_found_from_their_time_limit_on(store: SqlStore) -> None:
    old, young = started(at=NOW), started(at=NOW + timedelta(minutes=5))
    settled, at_once, denied = started(at=NOW), started(at=NOW), ended(event=AuditEvent.DENIED, at=NOW)
    for record in (old, young, settled, replace(settled, event=AuditEvent.COMPLETED), denied):
        store.record(record)
    store.append([at_once, replace(at_once, event=AuditEvent.COMPLETED)]).wait()
    assert store.abandoned(before=NOW) == []
    assert store.abandoned(before=NOW + timedelta(microseconds=1)) == [old]
    assert store.abandoned(before=NOW + timedelta(hours=1)) == [old, young]
    assert store.verify_chain().open_exports == 2


def test_an_interrupted_export_is_recorded_once_whoever_finds_it(engine: sa.Engine, store: SqlStore) -> None:
    exports = [started(at=NOW) for _ in range(20)]
    store.append(exports).wait()
    others = [open_database(engine.url.render_as_string(hide_password=False)) for _ in range(3)]
    later = NOW + timedelta(minutes=5)
    try:
        stores = [store, *(SqlStore(other) for other in others)]
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda each: each.record_interrupted(before=later, at=later), stores))
    finally:
        for other in others:
            other.dispose()
    assert sorted(record.export_id for found in done for record in found) == sorted(each.export_id for each in exports)
    for each in exports:
        assert store.audit_of(each.export_id) == [
            each,
            replace(each, at=later, event=AuditEvent.FAILED, code="INTERRUPTED", duration_ms=300_000),
        ]
    assert store.abandoned(before=later) == []
    assert store.record_interrupted(before=later, at=later) == []


def test_whoever_was_taken_for_dead_cannot_say_that_it_completed(store: SqlStore) -> None:
    slow = started(at=NOW)
    store.record(slow)
    store.record_interrupted(before=NOW + timedelta(hours=1), at=NOW + timedelta(hours=1))
    with pytest.raises(ExportInterruptedError, match="not finished in time"):
        store.record(replace(slow, event=AuditEvent.COMPLETED))


# Listing


def test_the_audit_is_listed_from_the_newest_on_page_by_page(store: SqlStore) -> None:
    records = [ended(principal=str(number)) for number in range(10)]
    store.append(records).wait()
    first = store.audit(AuditFilter(), limit=4)
    assert [entry.record for entry in first] == records[:5:-1]
    store.record(ended())  # what comes meanwhile moves nothing
    second = store.audit(AuditFilter(), before=first[-1].sequence, limit=100)
    assert [entry.record for entry in second] == records[5::-1]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (AuditFilter(customer_id="7"), [2, 1]),
        (AuditFilter(principal="joe"), [3, 1]),
        (AuditFilter(event=AuditEvent.DENIED), [3]),
        (AuditFilter(format="pdf"), [2]),
        (AuditFilter(customer_id="7", principal="joe"), [1]),
        (AuditFilter(export_id="b" * 32), [2]),
        (AuditFilter(period=Period(start=NOW + timedelta(hours=1))), [3, 2, 1]),
        (AuditFilter(period=Period(end=NOW + timedelta(hours=2))), [1, 0]),
        (AuditFilter(period=Period(start=(NOW + timedelta(hours=2)).astimezone(UTC))), [3, 2]),
        (AuditFilter(customer_id="' OR 1=1 --"), []),
    ],
    ids=lambda value: str(value)[:70],
)
def test_records_are_found_by_what_they_say(store: SqlStore, wanted: AuditFilter, numbers: list[int]) -> None:
    records = [
        ended(at=NOW),
        ended(at=NOW + timedelta(hours=1), customer_id="7", principal="joe"),
        ended(at=NOW + timedelta(hours=2), customer_id="7", format="pdf", export_id="b" * 32),
        ended(at=NOW + timedelta(hours=3), customer_id=None, event=AuditEvent.DENIED, principal="joe"),
    ]
    store.append(records).wait()
    assert [records.index(entry.record) for entry in store.audit(wanted, limit=10)] == numbers


# The records of before


@pytest.fixture
def first_schema(empty_engine: sa.Engine) -> sa.Engine:
    """A database as the first version left it, with records whose numbers have a gap."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with empty_engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = {
            "at": "2025-01-01T00:00:00.000000+00:00", "principal": "ключ", "client": None, "customer_id": "1",
            "format": "csv", "parameters": "format=csv", "code": None, "rows": None, "bytes": 2**40, "sha256": None,
            "duration_ms": None,
        }  # fmt: skip
        old = sa.table("audit", *(sa.column(name) for name in ("sequence", "event", "export_id", *row)))
        events = [("a", "started"), ("b", "started"), ("a", "completed"), ("c", "denied"), ("d", "started")]
        connection.execute(
            old.insert(),
            [
                {**row, "sequence": number * 10, "event": event, "export_id": export * 32}
                for number, (export, event) in enumerate(events)
            ],
        )
    return empty_engine


def test_records_of_the_first_version_are_chained_and_their_open_exports_known(first_schema: sa.Engine) -> None:
    upgrade(first_schema)
    store = SqlStore(first_schema)
    assert [entry.record.export_id[0] for entry in entries(store)] == ["a", "b", "a", "c", "d"]
    assert entries(store)[0].record.bytes == 2**40
    assert_chained(entries(store))
    assert [start.export_id[0] for start in store.abandoned(before=NOW)] == ["b", "d"]
    store.record(ended())
    assert_chained(entries(store))
    found = store.verify_chain()
    assert (found.whole, found.records, found.open_exports) == (True, 6, 2)


def test_a_migration_that_breaks_off_leaves_the_records_as_they_were(first_schema: sa.Engine) -> None:
    tamper(first_schema, "CREATE TABLE audit_head (nobody INTEGER)")  # in the way
    with pytest.raises(StoreUnavailableError):
        upgrade(first_schema)
    with first_schema.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM audit WHERE sequence >= 0")).scalar() == 5
        assert not sa.inspect(connection).has_table("audit_unchained")
    tamper(first_schema, "DROP TABLE audit_head")
    upgrade(first_schema)
    assert SqlStore(first_schema).verify_chain().records == 5
