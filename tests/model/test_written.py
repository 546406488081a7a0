"""What has been written so far, counted and hashed."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.written import BytesProof, WrittenBytes


@given(st.lists(st.binary(max_size=2_000)))
def test_it_knows_all_that_was_given_by_then(pieces: list[bytes]) -> None:
    written, so_far = WrittenBytes(), b""
    for piece in written.passing(pieces):
        so_far += piece
        assert written.proof() == BytesProof(len(so_far), hashlib.sha256(so_far).hexdigest())
    assert so_far == b"".join(pieces)
