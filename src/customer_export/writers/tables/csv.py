"""A table as CSV: the records of the CSV writer's default, with the key before them."""

from collections.abc import Iterator, Sequence

from customer_export.model.columns import Column
from customer_export.model.csv_records import encode_batch
from customer_export.model.document import CsvLayout, CsvRecords
from customer_export.model.ledger import SectionLedger
from customer_export.model.request import CsvOptions
from customer_export.writers.csv import CsvWriter, encode_header
from customer_export.writers.neutralised import note_neutralised
from customer_export.writers.tables.interface import KeyedRows


class CsvTableWriter:
    """Writes a header record and a record a row."""

    media_type = CsvWriter.media_type

    def write(
        self,
        section: str,  # noqa: ARG002
        columns: Sequence[Column],
        rows: KeyedRows,
        *,
        ledger: SectionLedger,
    ) -> Iterator[bytes]:
        """Give the records."""
        options = CsvOptions()
        layout = CsvLayout(
            delimiter=options.delimiter, profile=options.profile, section=None, places=tuple(range(len(columns)))
        )
        yield encode_header([column.name for column in columns], options)
        for keys, batch in rows:
            piece = CsvRecords(encode_batch([keys, *batch], columns, layout), len(keys))
            note_neutralised(piece, columns, layout, ledger)
            yield piece.text
