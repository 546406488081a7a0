"""A section's rows of many customers, between the database and whoever takes them customer by customer.

The database is read to its end first, so that its snapshot does not last as long as rendering does.
"""

import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import orjson

from customer_export.encryption.scratch import Scratch
from customer_export.jobs.bulk.written import WrittenFrame
from customer_export.model.columns import Batch
from customer_export.model.ledger import AlterationKind
from customer_export.source.many.interface import KeyedBatch, Note


class KeyedSpool:
    """Holds rows in a file without a name, in memory up to `memory_bytes`; with `is_sealed` none of them in plain."""

    def __init__(self, *, memory_bytes: int, is_sealed: bool) -> None:
        file = tempfile.SpooledTemporaryFile(memory_bytes)  # noqa: SIM115  (it is held)
        self._scratch = Scratch(file, is_sealed=is_sealed)

    def fill(self, batches: Iterable[KeyedBatch]) -> None:
        """Take some more rows."""
        for one in batches:
            self._scratch.add(orjson.dumps([one.keys, one.notes, *one.batch]))

    def frames(self) -> Iterator[KeyedBatch]:
        """Give all rows back, once."""
        for frame in self._scratch.frames():
            keys, notes, *batch = orjson.loads(frame)
            yield KeyedBatch(keys, batch, notes)

    def close(self) -> None:
        """Forget them."""
        self._scratch.close()


class KeyedCursor:
    """Takes rows customer by customer, in the order in which they come."""

    def __init__(self, frames: Iterator[WrittenFrame]) -> None:
        self._frames = frames
        self._current: WrittenFrame | None = None
        self._at = 0

    def batches(self, key: str) -> Iterator[tuple[Batch, Sequence[Note]]]:
        """Give the rows of a customer, and what is noted of them; none if the next rows are somebody else's."""
        while (frame := self._frame()) is not None:
            keys = frame.keys
            start = end = self._at
            if keys[-1] == key and keys[start] == key:  # in the order of keys, all between are theirs
                end = len(keys)
            else:
                while keys[end] == key:
                    end += 1
            if start == end:
                return
            self._at = end
            notes = [note for one in frame.rows.notes if (note := _within(one, start, end)) is not None]
            yield frame.cut(start, end), notes

    def skip(self, key: str) -> None:
        """Pass by what is left of a customer's rows."""
        for _ in self.batches(key):
            pass

    def next_key(self) -> str | None:
        """Say whose rows come next; None at the end."""
        frame = self._frame()
        return None if frame is None else frame.keys[self._at]

    def _frame(self) -> WrittenFrame | None:
        """Give the frame that holds the next row."""
        while self._current is None or self._at == len(self._current.keys):
            self._at = 0
            self._current = next(self._frames, None)
            if self._current is None:
                return None
        return self._current


def _within(note: Note, start: int, end: int) -> Note | None:
    """Give a note as far as it is of these places, which become the first ones."""
    column, kind, places, originals = note
    first, last = bisect_left(places, start), bisect_left(places, end)
    if first == last:
        return None
    return column, AlterationKind(kind), [place - start for place in places[first:last]], originals[first:last]
