"""Compressed answers: which coding is chosen, and that every piece can be read as soon as it is sent."""

import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from customer_export.api.compression import Encoding, choose_encoding, compressed, is_compressible


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", None),
        ("identity", None),
        ("gzip", Encoding.GZIP),
        ("gzip, deflate, br", Encoding.GZIP),
        ("gzip, deflate, br, zstd", Encoding.ZSTD),
        ("GZIP;Q=1.0", Encoding.GZIP),
        ("gzip;q=1.0, zstd;q=0.5", Encoding.GZIP),
        ("gzip;q=0, zstd;q=0", None),
        ("*", Encoding.ZSTD),
        ("*;q=0.5, zstd;q=0", Encoding.GZIP),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=0.5", Encoding.GZIP),
        ("gzip;q=much", None),
        ("gzip;level=9", None),
        (";;,=,q=1", None),
    ],
)
def test_the_coding_with_the_highest_weight_is_chosen(accepted: str, chosen: Encoding | None) -> None:
    assert choose_encoding(accepted) is chosen


@pytest.mark.parametrize(
    ("media_type", "compressible"),
    [
        ("text/csv; charset=utf-8; header=present", True),
        ("application/json", True),
        ("application/x-ndjson", True),
        ("application/pdf", False),
        ("application/zip", False),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False),
    ],
)
def test_files_that_are_compressed_already_are_left_alone(media_type: str, *, compressible: bool) -> None:
    assert is_compressible(media_type) is compressible


@given(st.lists(st.binary(max_size=2000), max_size=8))
def test_standard_readers_give_back_the_bytes(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert gzip.decompress(b"".join(compressed(iter(pieces), Encoding.GZIP))) == whole
    sent = b"".join(compressed(iter(pieces), Encoding.ZSTD))
    assert zstandard.ZstdDecompressor().decompressobj().decompress(sent) == whole


def test_what_was_sent_can_be_read_before_the_next_piece_is_made() -> None:
    pieces = [b"first row\r\n", b"second row\r\n"]
    unzip, unzstd = zlib.decompressobj(wbits=31), zstandard.ZstdDecompressor().decompressobj()
    for encoding, reader in ((Encoding.GZIP, unzip), (Encoding.ZSTD, unzstd)):
        sending = compressed(iter(pieces), encoding)
        assert [reader.decompress(next(sending)) for _ in pieces] == pieces


def test_a_cut_file_is_not_taken_for_whole() -> None:
    *begun, _end = compressed(iter([b"row\r\n"] * 3), Encoding.GZIP)
    with pytest.raises(EOFError):
        gzip.decompress(b"".join(begun))
    *begun, _end = compressed(iter([b"row\r\n"] * 3), Encoding.ZSTD)
    reader = zstandard.ZstdDecompressor().decompressobj()
    reader.decompress(b"".join(begun))
    assert not reader.eof
