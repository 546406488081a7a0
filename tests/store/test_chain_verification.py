"""Whatever is done to the audit behind our back is named: which record, and what."""

import pytest
import sqlalchemy as sa
from audit_records import ended, started, tamper

from customer_export.model.audit import AuditFilter
from customer_export.store import entries
from customer_export.store.chain import GENESIS, Link, link_hash, record_body
from customer_export.store.sql import SqlStore
from customer_export.store.verification import MOST_TOLD, Ends, StoredLink, Verification, verify_links

RECORDS = 12


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    """A store with some records."""
    store.append([ended(parameters=f"number={number}") for number in range(RECORDS)]).wait()
    return store


def told(found: Verification) -> list[tuple[str, int]]:
    assert found.whole is (found.problems == 0)
    return [(finding.problem.value, finding.sequence) for finding in found.findings]


def test_an_empty_audit_is_whole(store: SqlStore) -> None:
    found = store.verify_chain()
    assert (found.whole, found.records, found.head) == (True, 0, Link(sequence=0, hash=GENESIS))
    assert store.verify_chain(Link(sequence=0, hash=GENESIS)).whole


def test_an_untouched_audit_is_whole_and_gives_its_head(filled: SqlStore) -> None:
    found = filled.verify_chain()
    (newest,) = filled.audit(AuditFilter(), limit=1)
    assert (found.whole, found.records, found.open_exports) == (True, RECORDS, 0)
    assert found.head == Link(sequence=RECORDS, hash=newest.hash)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["UPDATE audit SET customer_id = '43' WHERE sequence = 5"], [("altered", 5)]),
        (["UPDATE audit SET bytes = NULL WHERE sequence = 1"], [("altered", 1)]),
        (["UPDATE audit SET at = replace(at, '12:00', '12:01') WHERE sequence = 12"], [("altered", 12)]),
        (["UPDATE audit SET at = replace(at, '+00:00', 'Z') WHERE sequence = 7"], [("altered", 7)]),
        (["UPDATE audit SET source_export_id = 'x' WHERE sequence IN (3, 4)"], [("altered", 3), ("altered", 4)]),
        (["UPDATE audit SET hash = repeat_zero WHERE sequence = 5"], [("altered", 5)]),
        (["DELETE FROM audit WHERE sequence = 5"], [("missing", 5)]),
        (["DELETE FROM audit WHERE sequence = 1"], [("missing", 1)]),
        (["DELETE FROM audit WHERE sequence BETWEEN 4 AND 6"], [("missing", 4)]),
        (["DELETE FROM audit WHERE sequence > 9"], [("truncated", 10)]),
        (["DELETE FROM audit"], [("truncated", 1)]),
        (["DELETE FROM audit_head"], [("head", 12)]),
        (["UPDATE audit_head SET hash = repeat_zero"], [("head", 12)]),
        (["UPDATE audit_head SET sequence = 10"], [("behind_head", 11)]),
        (["UPDATE audit_head SET sequence = 13"], [("truncated", 13)]),
        (
            ["UPDATE audit SET sequence = 99 WHERE sequence = 3", "UPDATE audit SET sequence = 3 WHERE sequence = 8",
             "UPDATE audit SET sequence = 8 WHERE sequence = 99"],
            [("moved", 3), ("moved", 8)],
        ),
        (
            ["UPDATE audit SET sequence = 99 WHERE sequence = 5", "UPDATE audit SET sequence = 5 WHERE sequence = 6",
             "UPDATE audit SET sequence = 6 WHERE sequence = 99"],
            [("moved", 5), ("moved", 6)],
        ),
        (["UPDATE audit SET sequence = 0 WHERE sequence = 1"], [("missing", 1), ("missing", 1)]),
        (
            ["UPDATE audit SET rows = 4 WHERE sequence = 2", "DELETE FROM audit WHERE sequence = 6",
             "DELETE FROM audit WHERE sequence = 12"],
            [("altered", 2), ("missing", 6), ("truncated", 12)],
        ),
    ],
    ids=lambda value: str(value)[:90],
)  # fmt: skip
def test_what_was_done_is_told(
    engine: sa.Engine, filled: SqlStore, statements: list[str], expected: list[tuple[str, int]]
) -> None:
    tamper(engine, *(statement.replace("repeat_zero", f"'{GENESIS}'") for statement in statements))
    assert told(filled.verify_chain()) == expected


def test_a_moved_record_is_told_with_the_number_it_was_written_under(engine: sa.Engine, filled: SqlStore) -> None:
    for statement in ("99 WHERE sequence = 3", "3 WHERE sequence = 8", "8 WHERE sequence = 99"):
        tamper(engine, f"UPDATE audit SET sequence = {statement}")
    messages = [finding.message for finding in filled.verify_chain().findings]
    assert "record 3 was written as record 8" in messages[0]
    assert "record 8 was written as record 3" in messages[1]


def test_a_record_that_was_put_in_is_behind_the_head(engine: sa.Engine, filled: SqlStore) -> None:
    columns = "at, event, export_id, customer_id, parameters, hash"
    tamper(engine, f"INSERT INTO audit (sequence, {columns}) SELECT 13, {columns} FROM audit WHERE sequence = 12")
    assert told(filled.verify_chain())[-1] == ("behind_head", 13)


def forge(engine: sa.Engine) -> None:
    """Alter a record and compute all hashes and the head anew, as only somebody who knows how can."""
    tamper(engine, "UPDATE audit SET customer_id = '43' WHERE sequence = 5")
    with engine.begin() as connection:
        previous = GENESIS
        for link in list(entries.stored_links(engine, last=RECORDS)):
            previous = link_hash(previous, link.sequence, link.body)
            update = sa.text("UPDATE audit SET hash = :hash WHERE sequence = :sequence")
            connection.execute(update, {"hash": previous, "sequence": link.sequence})
        connection.execute(sa.text("UPDATE audit_head SET hash = :hash"), {"hash": previous})


def test_a_forged_chain_is_whole_in_itself_and_betrayed_by_an_anchor(engine: sa.Engine, filled: SqlStore) -> None:
    anchor = filled.verify_chain().head
    filled.record(ended())
    assert filled.verify_chain(anchor).whole
    tamper(engine, f"DELETE FROM audit WHERE sequence > {RECORDS}", f"UPDATE audit_head SET sequence = {RECORDS}")
    forge(engine)
    assert filled.verify_chain().whole
    assert told(filled.verify_chain(anchor)) == [("anchor", RECORDS)]


def test_a_chain_that_was_cut_and_its_head_set_back_is_betrayed_by_an_anchor(
    engine: sa.Engine, filled: SqlStore
) -> None:
    anchor = filled.verify_chain().head
    tamper(
        engine,
        "DELETE FROM audit WHERE sequence > 10",
        "UPDATE audit_head SET sequence = 10, hash = (SELECT hash FROM audit WHERE sequence = 10)",
    )
    assert filled.verify_chain().whole
    assert told(filled.verify_chain(anchor)) == [("anchor", RECORDS)]


def test_exports_that_have_not_ended_are_no_problem_but_counted(store: SqlStore) -> None:
    store.record(started())
    assert (store.verify_chain().whole, store.verify_chain().open_exports) == (True, 1)


def test_pages_change_nothing(monkeypatch: pytest.MonkeyPatch, engine: sa.Engine, filled: SqlStore) -> None:
    tamper(engine, "UPDATE audit SET rows = 4 WHERE sequence = 6", "DELETE FROM audit WHERE sequence = 9")
    whole = filled.verify_chain()
    for rows in (1, 5, RECORDS):
        monkeypatch.setattr(entries, "ROWS_AT_ONCE", rows)
        assert filled.verify_chain() == whole


def test_more_problems_than_can_be_told_are_counted() -> None:
    links = [StoredLink(sequence=number, hash=f"{number:064}", body=b"{}") for number in range(1, 1_001)]
    found = verify_links(links, Ends(head=Link(sequence=1_000, hash=f"{1_000:064}"), last=1_000, open_exports=0), None)
    assert found.problems == 1_000
    assert 0 < len(found.findings) <= MOST_TOLD
    gaps = [StoredLink(sequence=number * 2, hash=GENESIS, body=b"{}") for number in range(1, 1_001)]
    found = verify_links(gaps, Ends(head=Link(sequence=2_000, hash=GENESIS), last=2_000, open_exports=0), None)
    assert found.problems == 1_000
    assert len(found.findings) == MOST_TOLD


def test_a_body_leaves_out_what_is_null() -> None:
    assert record_body({"a": None, "b": 0, "c": ""}) == b'{"b":0,"c":""}'
