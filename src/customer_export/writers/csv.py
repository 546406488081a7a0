"""CSV by RFC 4180: CRLF, UTF-8, every record with the same number of fields.

One section is a plain table. Several sections are one rectangular table: a first column `section`, then the union
of their columns in the order in which they first appear. NULL is an empty field, an empty text is `""`.
"""

from collections.abc import Iterable, Iterator, Sequence

from customer_export.model.csv_records import encode_batch
from customer_export.model.csv_table import table_of
from customer_export.model.document import CsvLayout, CsvRecords, Document, SectionStream
from customer_export.model.request import CsvOptions
from customer_export.writers.neutralised import note_neutralised

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}

_BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}".encode()


class CsvWriter:
    """Writes CSV. Where the database can write a section's records itself, they are passed on."""

    media_type = "text/csv; charset=utf-8; header=present"

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the header record, then the records of each section."""
        options = document.request.csv
        streams = list(sections)
        table = table_of(streams)
        if options.bom:
            yield _BYTE_ORDER_MARK
        yield encode_header(table.header, options)
        for stream in streams:
            layout = table.layout(stream, options)
            records = stream.csv_records(layout)
            if records is None:
                records = _encoded(stream, layout)
            ledger = document.ledger.section(stream.name)
            for piece in records:
                note_neutralised(piece, stream.columns, layout, ledger)
                yield piece.text


def _encoded(stream: SectionStream, layout: CsvLayout) -> Iterator[CsvRecords]:
    for batch in stream.batches():
        yield CsvRecords(encode_batch(batch, stream.columns, layout), len(batch[0]))


def encode_header(names: Sequence[str], options: CsvOptions) -> bytes:
    """Write the header record. Names of the map need neither quotes nor neutralising."""
    return (options.delimiter.join(names) + "\r\n").encode()
