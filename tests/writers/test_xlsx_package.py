"""The zip of a workbook, as the standard library reads it."""

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.writers.xlsx.package import Package, pack, pack_for_many

FOUR_GIB = 1 << 32


def archive_of(package: Package) -> zipfile.ZipFile:
    package.finish()
    return zipfile.ZipFile(io.BytesIO(package.take()))


def contents() -> st.SearchStrategy[bytes]:
    return st.builds(lambda piece, times: piece * times, st.binary(max_size=40), st.integers(0, 4_000))


@given(parts=st.lists(st.lists(contents(), max_size=4), max_size=5))
def test_what_is_written_is_read(parts: Sequence[Sequence[bytes]]) -> None:
    package = Package()
    for number, pieces in enumerate(parts):
        whole = b"".join(pieces)
        package.add(pack(f"whole{number}.xml", whole))
        package.add(pack_for_many(f"kept{number}.xml", whole))
        with package.open(f"streamed{number}.xml") as part:
            part.write_all(pieces)
    archive = archive_of(package)
    assert archive.testzip() is None
    assert archive.namelist() == [
        f"{kind}{number}.xml" for number in range(len(parts)) for kind in ("whole", "kept", "streamed")
    ]
    for number, pieces in enumerate(parts):
        for kind in ("whole", "kept", "streamed"):
            assert archive.read(f"{kind}{number}.xml") == b"".join(pieces)
    assert {info.date_time for info in archive.infolist()} <= {(1980, 1, 1, 0, 0, 0)}


def test_a_small_part_has_its_sizes_in_front_and_a_large_one_behind() -> None:
    package = Package()
    with package.open("small.xml") as part:
        part.write(b"<a/>")
    with package.open("large.xml") as part:
        part.write_all([os.urandom(50_000)] * 3)
    small, large = archive_of(package).infolist()
    assert (small.flag_bits, large.flag_bits) == (0, 8)


def test_a_large_part_leaves_while_it_is_written() -> None:
    package = Package()
    noise = os.urandom(1 << 20)
    with package.open("large.xml") as part:
        for _ in range(4):
            part.write(noise)
            assert package.pending_bytes > 900_000
            package.take()
            assert package.pending_bytes == 0


def test_a_part_that_failed_is_not_finished() -> None:
    package = Package()

    def fail() -> None:
        with package.open("broken.xml") as part:
            part.write(b"<a>")
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        fail()
    assert package.pending_bytes == 0


def test_parts_beyond_4_gib_of_the_file_are_found(tmp_path: Path) -> None:
    package = Package(offset=FOUR_GIB - 100)
    package.add(pack("before.xml", b"before"))
    package.add(pack("after.xml", b"after" * 10))
    package.add(pack("last.xml", b"last"))
    package.finish()
    path = tmp_path / "sparse.zip"
    with path.open("wb") as file:
        # The hole takes no room on the disk.
        file.seek(FOUR_GIB - 100)
        file.write(package.take())
    with zipfile.ZipFile(path) as archive:
        assert [info.header_offset > FOUR_GIB for info in archive.infolist()] == [False, True, True]
        assert [archive.read(name) for name in archive.namelist()] == [b"before", b"after" * 10, b"last"]


def test_more_parts_than_the_old_directory_counts_are_found() -> None:
    package = Package()
    for number in range(65_540):
        package.add(pack(f"{number}.xml", b""))
    assert len(archive_of(package).namelist()) == 65_540


def test_a_part_of_4_gib_is_refused() -> None:
    package = Package()

    def write_too_much() -> None:
        with package.open("large.xml") as part:
            part.write(bytes(100_000))
            assert part.entry is not None
            # As if so much had been written before.
            part.entry.plain_bytes += FOUR_GIB

    with pytest.raises(OverflowError, match=r"large\.xml"):
        write_too_much()
