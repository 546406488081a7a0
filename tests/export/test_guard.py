"""The guard: not a byte beyond the limit."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.errors import ExportCancelledError, ExportTooLargeError
from customer_export.export.guard import PIECE_BYTES, Guard


def pay_no_heed() -> None:
    """Check nothing."""


@given(st.lists(st.binary(max_size=2_000) | st.integers(0, 3).map(lambda n: b"x" * (n * PIECE_BYTES // 2))))
def test_what_goes_in_comes_out_in_pieces_worth_sending(pieces: list[bytes]) -> None:
    guard = Guard(iter(pieces), limit_bytes=10**9, check=pay_no_heed)
    given_on = list(guard)
    assert b"".join(given_on) == b"".join(pieces)
    assert all(len(piece) >= PIECE_BYTES for piece, _ in pairwise(given_on))


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1), st.data())
def test_not_a_byte_beyond_the_limit_is_given(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    limit_bytes = data.draw(st.integers(0, len(whole) + 1))
    guard = Guard(iter(pieces), limit_bytes=limit_bytes, check=pay_no_heed)
    if limit_bytes >= len(whole):
        assert b"".join(guard) == whole
        return
    taken = bytearray()
    with pytest.raises(ExportTooLargeError) as told:
        taken.extend(b"".join(iter(guard)))
    assert told.value.limit_bytes == limit_bytes
    assert len(taken) <= limit_bytes


def test_the_check_ends_it_before_another_piece_is_given() -> None:
    asked = []

    def check() -> None:
        asked.append(None)
        if len(asked) == 3:
            raise ExportCancelledError

    piece = b"x" * PIECE_BYTES
    guard = Guard(iter([piece] * 10), limit_bytes=10**9, check=check)
    given_on = []
    with pytest.raises(ExportCancelledError):
        given_on.extend(guard)
    assert len(asked) == 3
