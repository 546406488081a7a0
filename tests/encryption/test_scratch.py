"""What waits sealed comes back as it was, is not readable meanwhile, and does not come back changed."""

import io

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from customer_export.encryption.scratch import Scratch


@given(st.lists(st.binary(max_size=300)), st.booleans())
def test_frames_come_back_in_their_order(frames: list[bytes], is_sealed: bool) -> None:
    scratch = Scratch(io.BytesIO(), is_sealed=is_sealed)
    for frame in frames:
        scratch.add(frame)
    assert list(scratch.frames()) == frames


def test_sealed_frames_are_no_plain_text_and_none_is_sealed_as_another() -> None:
    file = io.BytesIO()
    scratch = Scratch(file, is_sealed=True)
    for _ in range(2):
        scratch.add(b"the same words twice")
    content = file.getvalue()
    assert b"words" not in content
    assert content[: len(content) // 2] != content[len(content) // 2 :]


@pytest.mark.parametrize("place", [8, 20, -1])
def test_a_frame_that_was_changed_is_refused(place: int) -> None:
    file = io.BytesIO()
    scratch = Scratch(file, is_sealed=True)
    scratch.add(b"a frame that waits")
    changed = bytearray(file.getvalue())
    changed[place] ^= 1
    file.seek(0)
    file.write(changed)
    with pytest.raises(InvalidTag):
        list(scratch.frames())
