"""A table as CSV: the records of the CSV writer's default, with the key before them."""

from collections.abc import Iterator, Sequence

from customer_export.model.columns import Column
from customer_export.model.csv_records import encode_batch
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvOptions
from customer_export.writers.csv import CsvWriter, encode_header
from customer_export.writers.tables.interface import KeyedRows


class CsvTableWriter:
    """Writes a header record and a record a row."""

    media_type = CsvWriter.media_type

    def write(self, section: str, columns: Sequence[Column], rows: KeyedRows) -> Iterator[bytes]:  # noqa: ARG002
        """Give the records."""
        options = CsvOptions()
        layout = CsvLayout(
            delimiter=options.delimiter, profile=options.profile, section=None, places=tuple(range(len(columns)))
        )
        yield encode_header([column.name for column in columns], options)
        for keys, batch in rows:
            yield encode_batch([keys, *batch], columns, layout)
