"""`alterations.csv`: every single change that the ledger counts, and what stood in the cell before."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import IO

from customer_export.model.columns import Cell, Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.csv_records import encode_batch
from customer_export.model.document import CsvLayout, SectionStream
from customer_export.model.ledger import AlterationKind, Ledger
from customer_export.model.request import CsvOptions
from customer_export.writers import csv

NAMES = ("section", "row", "column", "kind", "original")
_COLUMNS = tuple(
    Column(
        name=name,
        label=name,
        type=ColumnType.TEXT,
        source=SourceColumn(None, name),
        personal_data=PersonalDataClass.NONE,
    )
    for name in NAMES
)
_COPY_BYTES = 1 << 16


class AlterationsFile:
    """Keeps the changes of one export in a file until the sections are written, row by row of each section.

    Of a column that is masked there is one record without a row: it is not to be undone.
    """

    def __init__(self, file: IO[bytes], ledger: Ledger, options: CsvOptions) -> None:
        self._file = file
        self._options = options
        self._layout = CsvLayout(
            delimiter=options.delimiter, profile=options.profile, section=None, places=tuple(range(len(NAMES)))
        )
        self._waiting: list[tuple[int, str, AlterationKind, str, str]] = []
        ledger.keep_whole(self._keep)

    def begin_section(self, stream: SectionStream) -> None:
        """Say which columns of a section are masked."""
        masked = [column.name for column in stream.columns if column.mask is not None and stream.rows]
        self._write([(stream.name, None, column, AlterationKind.MASKED.value, None) for column in masked])

    def flush(self, rows: int) -> None:
        """Write what was kept of the section's first `rows` rows: by row, however the rows came in batches.

        What is noted of later rows waits for them: a source may be ahead of the writer.
        """
        waiting = sorted(self._waiting)
        due = bisect_right(waiting, rows, key=itemgetter(0))
        self._write(
            [(section, str(row), column, kind.value, cell) for row, column, kind, section, cell in waiting[:due]]
        )
        self._waiting = waiting[due:]

    def pieces(self) -> Iterator[bytes]:
        """Read the file."""
        yield csv.encode_header(NAMES, self._options)
        self._file.seek(0)
        while piece := self._file.read(_COPY_BYTES):
            yield piece

    def _keep(
        self, section: str, column: str, kind: AlterationKind, rows: Sequence[int], originals: Sequence[str]
    ) -> None:
        self._waiting += ((row, column, kind, section, cell) for row, cell in zip(rows, originals, strict=True))

    def _write(self, records: Sequence[Sequence[Cell]]) -> None:
        if records:
            self._file.write(encode_batch(list(zip(*records, strict=True)), _COLUMNS, self._layout))
