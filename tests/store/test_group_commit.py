"""Group commit: company shares a flush, nobody waits for company, and a failure is told to all whom it met."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from audit_records import ended

from customer_export.errors import StoreUnavailableError
from customer_export.model.audit import AuditFilter
from customer_export.store.database import open_database, upgrade
from customer_export.store.group_commit import MOST_TOGETHER, GroupCommit, Pending
from customer_export.store.sql import SqlStore
from servers import PostgresqlServer, wait_until


class Disk:
    """Keeps what is committed, in one thread at a time, and can be held up."""

    def __init__(self) -> None:
        self.commits: list[list[int]] = []
        self.threads: list[str] = []
        self.free = threading.Event()
        self.free.set()
        self.entered = threading.Event()
        self._one = threading.Lock()

    def commit(self, pending: Sequence[Pending[int]]) -> None:
        assert self._one.acquire(blocking=False), "two commits at once"
        try:
            self.threads.append(threading.current_thread().name)
            self.entered.set()
            assert self.free.wait(30)
            self.commits.append([each.entry for each in pending])
            if -1 in self.commits[-1]:
                raise StoreUnavailableError("the disk is full")
            for each in pending:
                each.written.set_result(None)
        finally:
            self._one.release()


@pytest.fixture
def disk() -> Disk:
    return Disk()


def test_who_is_alone_writes_at_once_in_their_own_thread(disk: Disk) -> None:
    group = GroupCommit(disk.commit)
    for number in range(3):
        group.write(number)
    assert disk.commits == [[0], [1], [2]]
    assert set(disk.threads) == {threading.current_thread().name}


def test_what_comes_while_somebody_writes_is_written_together(disk: Disk) -> None:
    group = GroupCommit(disk.commit)
    disk.free.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(group.write, 0)
        assert disk.entered.wait(30)
        pending = [group.submit(number) for number in range(1, 6)]
        assert not any(each.written.done() for each in pending)
        disk.free.set()
        first.result(30)
        for each in pending:
            each.wait()
    assert disk.commits == [[0], [1, 2, 3, 4, 5]]
    assert disk.threads[1] == "group-commit"
    group.close()


def test_nobody_returns_before_their_entry_is_written(disk: Disk) -> None:
    group = GroupCommit(disk.commit)
    numbers = count()

    def write(_thread: int) -> None:
        for _ in range(200):
            number = next(numbers)
            if number % 3:
                group.write(number)
            else:
                group.submit(number).wait()
            assert any(number in commit for commit in reversed(disk.commits))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    assert sorted(number for commit in disk.commits for number in commit) == list(range(3200))
    group.close()


def test_a_crowd_is_written_in_several_commits(disk: Disk) -> None:
    group = GroupCommit(disk.commit)
    disk.free.clear()
    pending = [group.submit(number) for number in range(MOST_TOGETHER * 2 + 10)]
    disk.free.set()
    for each in pending:
        each.wait()
    assert max(len(commit) for commit in disk.commits) <= MOST_TOGETHER
    assert [number for commit in disk.commits for number in commit] == list(range(MOST_TOGETHER * 2 + 10))
    group.close()


def test_a_failure_is_told_to_all_whom_it_met_and_to_no_others(disk: Disk) -> None:
    group = GroupCommit(disk.commit)
    disk.free.clear()
    before = group.submit(1)
    assert disk.entered.wait(30)
    met = [group.submit(number) for number in (2, -1, 3)]
    disk.free.set()
    before.wait()
    for each in met:
        with pytest.raises(StoreUnavailableError, match="the disk is full"):
            each.wait()
    group.write(4)
    assert disk.commits[-1] == [4]
    group.close()


def test_closing_writes_what_waits_and_a_later_entry_is_written_all_the_same(disk: Disk) -> None:
    group = GroupCommit(disk.commit)
    disk.free.clear()
    pending = [group.submit(number) for number in range(3)]
    closing = threading.Thread(target=group.close)
    closing.start()
    disk.free.set()
    closing.join(30)
    assert all(each.written.done() for each in pending)
    group.submit(9).wait()
    group.close()
    group.close()


class Interrupted(BaseException):
    """What Ctrl-C is to a thread."""


def test_who_is_interrupted_while_writing_leaves_nobody_waiting() -> None:
    met = threading.Event()
    go_on = threading.Event()

    def commit(pending: Sequence[Pending[int]]) -> None:
        if pending[0].entry == 0:
            met.set()
            assert go_on.wait(30)
            raise Interrupted
        for each in pending:
            each.written.set_result(None)

    group = GroupCommit(commit)
    with ThreadPoolExecutor(1) as pool:
        interrupted = pool.submit(group.write, 0)
        assert met.wait(30)
        after = group.submit(1)
        go_on.set()
        with pytest.raises(Interrupted):
            interrupted.result(30)
    after.wait()
    group.write(2)
    group.close()


def test_a_database_that_goes_away_under_load_is_told_and_has_all_that_was_said_to_be_written(
    mortal_postgresql: PostgresqlServer,
) -> None:
    engine = open_database(mortal_postgresql.create_database("own"))
    upgrade(engine)
    store = SqlStore(engine)
    written: list[str] = []
    failed = threading.Event()

    def write_until_it_fails(_thread: int) -> None:
        while not failed.is_set():
            record = ended()
            try:
                store.record(record)
            except StoreUnavailableError:
                failed.set()
            else:
                written.append(record.export_id)

    with ThreadPoolExecutor(16) as pool:
        writing = [pool.submit(write_until_it_fails, number) for number in range(16)]
        wait_until(lambda: len(written) > 100, what="some records")
        mortal_postgresql.stop()
        for each in writing:
            each.result(30)
    assert failed.is_set()
    mortal_postgresql.start()
    store.record(ended())
    kept = {entry.record.export_id for entry in store.audit(AuditFilter(), limit=1_000_000)}
    assert set(written) <= kept
    assert len(kept) <= len(written) + 1 + 16  # what was under way may be there: nobody was told that it is
    assert store.verify_chain().whole
    store.close()
