"""A section's batches as the sheets want them: a look at the first rows, then blocks of one size."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from customer_export.model.columns import Batch, Cell

# Four times what a batch should have. The XML of a block takes several times the memory of its text.
_WIDE_CHARACTERS = 4 << 20


class RowReader:
    """Reads a section's batches once and cuts them into blocks; holds one block, or the batches of the first look."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._held: deque[Batch] = deque()
        self._position = 0

    def look_ahead(self, rows: int) -> list[Batch]:
        """Return the next batches until they have so many rows; they are still to be taken."""
        while sum(map(_length, self._held)) < rows and self._hold_next():
            pass
        return list(self._held)

    @property
    def has_more(self) -> bool:
        """Whether there is another row; may read a batch."""
        return bool(self._held) or self._hold_next()

    def take(self, rows: int) -> Sequence[Sequence[Cell]]:
        """Return the next rows, exactly so many unless fewer are left or they are very wide; there must be more.

        The blocks do not depend on how the rows come in batches, and so neither does a byte of the file. Only where
        several batches make more than _WIDE_CHARACTERS do they make a block already.
        """
        pieces = [self._take_piece(rows)]
        missing, characters = rows - _length(pieces[0]), 0
        while missing and self.has_more:
            characters += _characters(pieces[-1])
            if characters > _WIDE_CHARACTERS:
                break
            pieces.append(self._take_piece(missing))
            missing -= _length(pieces[-1])
        if len(pieces) == 1:
            return pieces[0]
        return [list(chain.from_iterable(column)) for column in zip(*pieces, strict=True)]

    def _take_piece(self, rows: int) -> Sequence[Sequence[Cell]]:
        batch = self._held[0]
        start, end = self._position, min(self._position + rows, _length(batch))
        self._position = end
        if end == _length(batch):
            self._held.popleft()
            self._position = 0
        if start == 0 and end == _length(batch):
            return batch
        return [column[start:end] for column in batch]

    def _hold_next(self) -> bool:
        """Hold the next batch that has a row; False at the end."""
        for batch in self._batches:
            if _length(batch):
                self._held.append(batch)
                return True
        return False


def _characters(batch: Batch) -> int:
    return sum(sum(map(len, filter(None, column))) for column in batch)


def _length(batch: Batch) -> int:
    return len(batch[0]) if batch else 0
