"""A full disk has a code of its own, whatever lies on it, leaves nothing behind, and is over when there is room."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from customer_export.api.compression import spooled
from customer_export.errors import SpoolFullError, StorageFullError, StoreFullError, StoreUnavailableError
from customer_export.storage.folder import WRITING, FolderStorage
from customer_export.store.database import open_database, upgrade
from customer_export.store.sql import SqlStore
from faults.stage import Stage, open_stage
from server_process import export_path
from small_disks import empty_disk, fill_disk, small_disk
from store.audit_records import ended

SMALL_BYTES = 4 << 20


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with closing(open_stage(tmp_path_factory.mktemp("stage"))) as stage:
        if stage.disk is None:
            pytest.skip(stage.why_no_disk)
        yield stage


def export(stage: Stage, file_format: str) -> httpx.Response:
    headers = {**stage.server.bearer, "Accept-Encoding": "identity"}
    url = f"{stage.server.url}{export_path('whale')}"
    return httpx.get(url, params={"format": file_format, "fresh": "true"}, headers=headers, timeout=60)


@pytest.mark.parametrize("file_format", ["json", "zip"])
def test_a_file_that_has_no_room_to_wait_in_is_refused_by_name(stage: Stage, file_format: str) -> None:
    stage.fill_disk()
    try:
        answer = export(stage, file_format)
    finally:
        stage.empty_disk()
    assert (answer.status_code, answer.json()["code"]) == (507, "SPOOL_FULL")
    assert str(stage.disk) in answer.json()["error"]
    assert "TMPDIR" in answer.json()["error"]
    record = stage.server.outcome(answer.headers["x-request-id"])
    assert (record.event, record.code) == ("failed", "SPOOL_FULL")
    assert export(stage, file_format).status_code == 200


def test_a_compressed_file_waits_on_the_same_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk", size_bytes=SMALL_BYTES) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        pieces = [bytes(1 << 20)] * 4
        with pytest.raises(SpoolFullError, match=str(disk)):
            spooled(iter([*pieces, b"1"]))
        sent, spool = spooled(iter(pieces))
        assert (sent.size_bytes, sum(map(len, spool))) == (SMALL_BYTES, SMALL_BYTES)


def test_a_folder_that_is_full_keeps_nothing_of_a_file_that_did_not_fit(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=SMALL_BYTES) as disk:
        storage = FolderStorage(disk / "exports")
        storage.write("jobs/1/a", [b"a"], media_type="text/csv")
        with pytest.raises(StorageFullError, match=f"{disk}.*STORAGE_URL"):
            storage.write("jobs/1/b", (bytes(1 << 20) for _ in range(5)), media_type="text/csv")
        assert [one.name for one in storage.list_files("jobs/1")] == ["jobs/1/a"]
        assert list((disk / "exports" / WRITING).iterdir()) == []
        fill_disk(disk)
        with pytest.raises(StorageFullError):
            storage.write("jobs/1/b", [b"b" * 4097], media_type="text/csv")
        empty_disk(disk)
        assert storage.write("jobs/1/b", [b"b" * 4097], media_type="text/csv").size_bytes == 4097


def record_until_full(store: SqlStore) -> None:
    """What room is left in the log of the database is used up first."""
    for _ in range(10_000):
        store.record(ended())


def test_our_own_database_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=SMALL_BYTES) as disk:
        engine = open_database(f"sqlite:///{disk / 'own.db'}")
        upgrade(engine)
        with closing(SqlStore(engine)) as store:
            store.record(ended())
            fill_disk(disk)
            with pytest.raises(StoreFullError, match="DATABASE_URL") as full:
                record_until_full(store)
            assert isinstance(full.value, StoreUnavailableError)  # by which callers know that nothing is on record
            empty_disk(disk)
            store.record(ended())
            assert store.verify_chain().whole


SORT_ON_DISK = """
import sqlite3, sys
from datetime import timedelta
from customer_export.errors import ExportError
from customer_export.source.sqlite.failures import translated
from customer_maps import make_map, section
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 10")
connection.execute("PRAGMA temp_store = 1")
try:
    for _ in connection.execute("SELECT text FROM notes ORDER BY text"):
        pass
except sqlite3.Error as failure:
    customer_map = make_map(section("notes", {"text": "text"}))
    error = translated(failure, customer_map, cancelled=False, time_limit=timedelta(seconds=1))
    print(error.code, error)
"""


def test_a_database_that_has_no_room_to_sort_in_is_no_broken_one(tmp_path: Path) -> None:
    """SQLite looks for its folder once, so this is a process of its own."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
        connection.executemany("INSERT INTO notes VALUES (?)", ((f"{number:0400x}",) for number in range(20_000)))
        connection.commit()
    with small_disk(tmp_path / "disk", size_bytes=SMALL_BYTES) as disk:
        environment = {**os.environ, "TMPDIR": str(disk), "PYTHONPATH": str(Path(__file__).parents[1])}
        command = [sys.executable, "-c", SORT_ON_DISK, str(path)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"SPOOL_FULL There is no room left for files in the making in {disk}")
