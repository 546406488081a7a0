"""A folder: what is left of a writer that was killed, and who may read what is there."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_export.errors import StorageUnavailableError, StoredFileNotFoundError
from customer_export.storage.folder import WRITING, FolderStorage

CSV = "text/csv; charset=utf-8"

HALTED_WRITER = """
import sys
from pathlib import Path
from customer_export.storage.folder import FolderStorage

def pieces():
    yield bytes(1 << 20)
    print("begun", flush=True)
    sys.stdin.read()

FolderStorage(Path(sys.argv[1])).write("jobs/1/a", pieces(), media_type="text/csv")
"""

LIMITED_WRITER = """
import resource, sys
from pathlib import Path
from customer_export.errors import StorageUnavailableError
from customer_export.storage.folder import FolderStorage

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    FolderStorage(Path(sys.argv[1])).write("a", (bytes(1 << 16) for _ in range(17)), media_type="text/csv")
except StorageUnavailableError as failure:
    print(failure)
"""


@pytest.fixture
def halted_writer(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in the middle of writing `jobs/1/a`."""
    command = [sys.executable, "-c", HALTED_WRITER, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        yield process
        process.kill()


def test_a_killed_writer_leaves_nothing_but_what_a_sweep_removes(
    halted_writer: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    storage = FolderStorage(tmp_path)
    assert storage.sweep() == 0  # it is at work
    halted_writer.send_signal(signal.SIGKILL)
    halted_writer.wait()
    with pytest.raises(StoredFileNotFoundError):
        storage.find("jobs/1/a")
    assert len(list((tmp_path / WRITING).iterdir())) == 1
    assert storage.sweep() == 1
    assert list((tmp_path / WRITING).iterdir()) == []


def test_a_sweep_leaves_a_writer_at_work_alone(halted_writer: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    assert storage.sweep() == 0
    assert halted_writer.communicate()[0] == b""
    assert halted_writer.returncode == 0
    assert storage.find("jobs/1/a").size_bytes == 1 << 20


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    FolderStorage(folder).write("jobs/1/a", [b"a"], media_type=CSV)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_folders_that_are_empty_go_too(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.write("jobs/1/a", [b"a"], media_type=CSV)
    storage.write("jobs/2/a", [b"a"], media_type=CSV)
    storage.delete("jobs/1/a")
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["2"]


def test_writers_deleters_and_sweeps_do_not_disturb_one_another(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    written = threading.Event()

    def disturb() -> None:
        while not written.is_set():
            storage.delete("jobs/1/b")
            storage.sweep()

    disturbers = [threading.Thread(target=disturb) for _ in range(2)]
    for disturber in disturbers:
        disturber.start()
    try:
        for turn in range(50):
            storage.write("jobs/1/b", [b"b"], media_type=CSV)
            assert storage.write(f"jobs/1/{turn}", [b"a"], media_type=CSV).size_bytes == 1
            storage.delete(f"jobs/1/{turn}")
    finally:
        written.set()
        for disturber in disturbers:
            disturber.join()
    assert list((tmp_path / WRITING).iterdir()) == []


def test_an_opened_file_is_closed_if_nobody_reads_it_to_its_end(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.write("a", [bytes(1 << 20)], media_type=CSV)
    before = len(list(Path("/proc/self/fd").iterdir()))
    opened = storage.open("a")
    next(opened.pieces)
    opened.pieces.close()
    storage.open("a", start=5)
    with pytest.raises(ValueError, match="has no bytes"):
        storage.open("a", start=1 << 21)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_loses_its_end_while_it_is_read_is_no_clean_read(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.write("a", [bytes(1 << 20)], media_type=CSV)
    opened = storage.open("a")
    next(opened.pieces)
    os.truncate(tmp_path / "a", 300_000)
    with pytest.raises(StorageUnavailableError, match="became shorter"):
        b"".join(opened.pieces)


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailableError, match="File exists; see that it is there, ours, and has room"):
        FolderStorage(tmp_path / "file").write("a", [b"a"], media_type=CSV)
    with pytest.raises(StorageUnavailableError, match="File exists"):
        FolderStorage(tmp_path / "file").check()


def test_a_disk_that_takes_no_more_is_told_and_keeps_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED_WRITER, tmp_path]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "File too large; see that it is there, ours, and has room" in ended.stdout
    assert [path.name for path in tmp_path.rglob("*")] == [WRITING]
