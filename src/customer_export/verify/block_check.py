"""Where the records of a section begin to differ from those that the manifest is of."""

from typing import Protocol

from customer_export.model.blocks import BLOCK_DIGITS, Blocks


class Hash(Protocol):
    """What hashlib makes."""

    def update(self, data: memoryview, /) -> None:
        """Add bytes."""

    def copy(self) -> "Hash":
        """Give another one of the same state."""

    def hexdigest(self) -> str:
        """Give the digest so far."""


class BlockCheck:
    """Compares the digests of the records' beginnings while the records pass, which are whole in each piece."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._missing = blocks.size_bytes
        self._passed = 0
        self._good_rows = 0
        self._bad_rows: int | None = None

    def update(self, records_hash: Hash, records: bytes, *, rows_before: int) -> None:
        """Add records to a hash, and look at it wherever a block ends."""
        start, rows, is_open, view = 0, rows_before, False, memoryview(records)
        while len(records) - start >= self._missing:
            end = start + self._missing
            records_hash.update(view[start:end])
            ended, is_open = _ended(records[start:end], is_open=is_open)
            rows += ended
            self._end_block(records_hash, rows, is_within=is_open or records[end - 1 : end] != b"\n")
            start = end
        self._missing -= len(records) - start
        records_hash.update(view[start:])

    def first_change(self, rows: int) -> tuple[int, int] | None:
        """Give the rows that the first change is in, of so many; None if what there is, is the beginning."""
        last = rows if self._bad_rows is None else min(self._bad_rows, rows)
        return (self._good_rows + 1, last) if self._good_rows < last else None

    @property
    def good_rows(self) -> int:
        """How many rows are known to be right."""
        return self._good_rows

    @property
    def is_beginning(self) -> bool:
        """Whether all blocks so far are right."""
        return self._bad_rows is None

    def _end_block(self, records_hash: Hash, rows: int, *, is_within: bool) -> None:
        digests = self._blocks.digests
        if self._bad_rows is None:
            right = (
                self._passed < len(digests) and records_hash.copy().hexdigest()[:BLOCK_DIGITS] == digests[self._passed]
            )
            if right:
                self._good_rows = rows
            else:
                self._bad_rows = rows + is_within
        self._passed += 1
        self._missing = self._blocks.size_bytes


def _ended(text: bytes, *, is_open: bool) -> tuple[int, bool]:
    """Count the records that end in a part of the text; `is_open` says whether it begins, and ends, within quotes."""
    parts = text.split(b'"')
    return sum(part.count(b"\n") for part in parts[is_open::2]), is_open ^ (len(parts) % 2 == 0)
