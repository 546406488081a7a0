"""The rows of a plug-in between its end and the export's first byte: in memory, or in a file that has no name."""

import tempfile
from collections.abc import Iterator, Sequence

import orjson

from customer_export.model.columns import Batch, Cell, Column
from customer_export.model.document import CsvLayout, CsvRecords, JsonBatch
from customer_export.source.reading import BATCH_BYTES, MOST_ROWS

SPOOL_MEMORY_BYTES = 1 << 20  # 1 MiB: a batch of wide rows, some ten thousand of tickets


class RowSpool:
    """Rows, to be added, then read as often as wanted; a line of JSON for each batch. Closing forgets them.

    The system deletes the file when it is opened, so that nothing is left of it, even if the process dies.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES)  # noqa: SIM115  (closed by `close`)
        self._waiting: list[Sequence[Cell]] = []
        self._waiting_bytes = 0
        self.rows = 0

    def add(self, row: Sequence[Cell]) -> None:
        """Add a row."""
        self._waiting.append(row)
        self._waiting_bytes += sum(len(cell) for cell in row if cell is not None)
        self.rows += 1
        if len(self._waiting) == MOST_ROWS or self._waiting_bytes >= BATCH_BYTES:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            self._file.write(orjson.dumps(list(zip(*self._waiting, strict=True))) + b"\n")
            self._waiting, self._waiting_bytes = [], 0

    def batches(self) -> Iterator[Batch]:
        """Give the rows, batch by batch."""
        self._write()
        self._file.seek(0)
        for line in self._file:
            yield orjson.loads(line)

    def close(self) -> None:
        """Free the file."""
        self._file.close()


class SpooledSection:
    """A plug-in's section, all of it here."""

    def __init__(self, name: str, label: str, columns: tuple[Column, ...], spool: RowSpool) -> None:
        self.name = name
        self.label = label
        self.columns = columns
        self.rows = spool.rows
        self._spool = spool

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        return self._spool.batches()

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:  # noqa: ARG002
        """No database writes these."""
        return None

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """No database writes these."""
        return None
