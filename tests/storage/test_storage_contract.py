"""What every storage keeps to."""

import hashlib
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from customer_export.errors import StorageUnavailableError, StoredFileNotFoundError
from customer_export.storage.interface import OpenedFile, Storage
from customer_export.storage.object_store import PART_BYTES

CSV = "text/csv; charset=utf-8"
SIZES = [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 12_345]


def random_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def in_pieces(data: bytes, *, piece_bytes: int = 700_001) -> Iterator[bytes]:
    for at in range(0, len(data), piece_bytes):
        yield data[at : at + piece_bytes]


def read(opened: OpenedFile) -> bytes:
    data = b"".join(opened.pieces)
    assert len(data) == opened.stop - opened.start
    return data


@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_read_as_it_was_written(storage: Storage, size: int) -> None:
    data = random_bytes(size)
    written = storage.write("jobs/1/part.csv", in_pieces(data), media_type=CSV)
    assert (written.size_bytes, written.sha256) == (size, hashlib.sha256(data).hexdigest())
    found = storage.find("jobs/1/part.csv")
    assert (found.name, found.size_bytes) == (written.name, size)
    assert abs(datetime.now(UTC) - found.modified_at) < timedelta(minutes=1)
    opened = storage.open("jobs/1/part.csv")
    assert opened.file == found
    assert read(opened) == data


def test_pieces_of_no_bytes_change_nothing(storage: Storage) -> None:
    storage.write("a", [b"", b"one", b"", b"two", b""], media_type=CSV)
    assert read(storage.open("a")) == b"onetwo"


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, 1),
        (5, None),
        (PART_BYTES - 1, PART_BYTES + 1),
        (1, 2 * PART_BYTES + 1),
        (2 * PART_BYTES + 12_344, None),
        (2 * PART_BYTES, 1 << 40),
    ],
)
def test_any_part_can_be_read(storage: Storage, start: int, stop: int | None) -> None:
    data = random_bytes(SIZES[-1])
    storage.write("whole", in_pieces(data), media_type=CSV)
    assert read(storage.open("whole", start=start, stop=stop)) == data[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(3, None), (4, 9), (2, 2), (2, 1), (-1, 2)])
def test_a_part_that_is_not_there_is_refused(storage: Storage, start: int, stop: int | None) -> None:
    storage.write("abc", [b"abc"], media_type=CSV)
    with pytest.raises(ValueError, match="has no bytes"):
        storage.open("abc", start=start, stop=stop)


@pytest.mark.parametrize(
    ("size", "failure"),
    [(10, KeyError("mine")), (10, OSError("mine")), (3 * PART_BYTES, FileNotFoundError("mine"))],
)
def test_what_the_pieces_raise_is_passed_on_and_nothing_is_written(
    storage: Storage, size: int, failure: Exception
) -> None:
    def broken() -> Iterator[bytes]:
        yield from in_pieces(random_bytes(size))
        raise failure

    with pytest.raises(type(failure)) as raised:
        storage.write("jobs/1/broken", broken(), media_type=CSV)
    assert raised.value is failure
    with pytest.raises(StoredFileNotFoundError):
        storage.find("jobs/1/broken")
    assert list(storage.list_files("jobs")) == []


def test_pieces_may_come_out_of_stored_files_and_are_made_in_the_thread_that_writes(storage: Storage) -> None:
    data = random_bytes(SIZES[-1])
    threads = set()

    def copied() -> Iterator[bytes]:
        for piece in storage.open("part").pieces:
            threads.add(threading.get_ident())
            yield piece

    storage.write("part", in_pieces(data), media_type=CSV)
    storage.write("whole", copied(), media_type=CSV)
    assert read(storage.open("whole")) == data
    assert threads == {threading.get_ident()}


def test_a_failed_write_leaves_the_file_that_was_there(storage: Storage) -> None:
    def broken() -> Iterator[bytes]:
        yield b"new"
        raise KeyError

    storage.write("kept", [b"old"], media_type=CSV)
    with pytest.raises(KeyError):
        storage.write("kept", broken(), media_type=CSV)
    assert read(storage.open("kept")) == b"old"


def test_a_file_is_not_there_before_it_is_whole(storage: Storage) -> None:
    def looking() -> Iterator[bytes]:
        for piece in in_pieces(random_bytes(2 * PART_BYTES)):
            yield piece
            with pytest.raises(StoredFileNotFoundError):
                storage.find("soon")
            assert list(storage.list_files("soon")) == []

    storage.write("soon", looking(), media_type=CSV)
    assert storage.find("soon").size_bytes == 2 * PART_BYTES


def test_a_reader_gets_one_version_or_none(storage: Storage) -> None:
    old, new = random_bytes(3 * PART_BYTES), random_bytes(3 * PART_BYTES + 1)
    storage.write("twice", in_pieces(old), media_type=CSV)
    opened = storage.open("twice")
    first = next(opened.pieces)
    storage.write("twice", in_pieces(new), media_type=CSV)
    try:
        rest = b"".join(opened.pieces)
    except StorageUnavailableError:  # a store of objects cannot give the old one any more
        rest = old[len(first) :]
    assert first + rest == old
    assert read(storage.open("twice")) == new


def test_a_folder_is_listed_and_nothing_beside_it(storage: Storage) -> None:
    for name in ("jobs/1/a", "jobs/1/deep/b", "jobs/10/c", "jobs/1.d", "other"):
        storage.write(name, [name.encode()], media_type=CSV)
    assert {(file.name, file.size_bytes) for file in storage.list_files("jobs/1")} == {
        ("jobs/1/a", 8),
        ("jobs/1/deep/b", 13),
    }
    assert list(storage.list_files("nowhere")) == []


def test_what_is_deleted_is_gone_and_may_be_deleted_again(storage: Storage) -> None:
    storage.write("jobs/1/a", [b"a"], media_type=CSV)
    storage.write("jobs/2/a", [b"a"], media_type=CSV)
    for _ in range(2):
        storage.delete("jobs/1/a")
        with pytest.raises(StoredFileNotFoundError):
            storage.open("jobs/1/a")
    assert [file.name for file in storage.list_files("jobs")] == ["jobs/2/a"]


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", ".writing", "a b", "ä", "a\\b", "a" * 201, "a/" * 300 + "a"],
)
def test_other_names_are_refused(storage: Storage, name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        storage.write(name, [b""], media_type=CSV)
    for act in (storage.find, storage.open, storage.delete):
        with pytest.raises(ValueError, match="is no name"):
            act(name)
    with pytest.raises(ValueError, match="is no name"):
        list(storage.list_files(name))


def test_a_missing_file_is_named(storage: Storage) -> None:
    with pytest.raises(StoredFileNotFoundError, match="There is no file jobs/2"):
        storage.find("jobs/2")
    with pytest.raises(StoredFileNotFoundError, match="There is no file jobs/2"):
        storage.open("jobs/2")


def test_a_storage_that_works_passes_the_check(storage: Storage) -> None:
    storage.check()
    storage.write("a", [b"a"], media_type=CSV)
    storage.check()
    assert storage.sweep() == 0
    assert read(storage.open("a")) == b"a"
