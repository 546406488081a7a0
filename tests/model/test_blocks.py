"""Digests of a text's beginnings do not depend on the pieces that it came in."""

import random

from hypothesis import given
from hypothesis import strategies as st

from customer_export.model import blocks
from customer_export.model.blocks import BLOCKS_MAX, FIRST_BLOCK_BYTES, BlockDigest
from verify.proven import blocks as told_blocks
from verify.proven import sha256


@given(size=st.integers(0, 3 * BLOCKS_MAX * FIRST_BLOCK_BYTES), seed=st.integers(0, 100))
def test_they_are_those_of_the_first_bytes(size: int, seed: int) -> None:
    chance = random.Random(seed)
    text = chance.randbytes(size)
    digest, place = BlockDigest(), 0
    while place < size:
        step = chance.choice((1, 100, 4_095, 4_096, 50_000, 2_000_000))
        digest.update(text[place : place + step])
        place += step
    assert digest.hexdigest() == sha256(text)
    found = digest.blocks()
    assert ({} if found is None else {"blocks": found.members()}) == told_blocks(text)
    assert found is None or len(found.digests) < BLOCKS_MAX


def test_what_a_manifest_holds_of_them_is_bounded() -> None:
    assert blocks.BLOCKS_MAX * (blocks.BLOCK_DIGITS + 3) < 10_000
