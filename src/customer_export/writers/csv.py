"""CSV by RFC 4180: CRLF, UTF-8, every record with the same number of fields.

One section is a plain table. Several sections are one rectangular table: a first column `section`, then the union
of their columns in the order in which they first appear. NULL is an empty field, an empty text is `""`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from customer_export.model.csv_records import encode_batch
from customer_export.model.document import CsvLayout, Document, SectionStream
from customer_export.model.request import CsvOptions

SECTION_COLUMN = "section"
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
            if records is not None:
                yield from records
                continue
            for batch in stream.batches():
                yield encode_batch(batch, stream.columns, layout)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The one table of a file: the names of its columns, the first of which may be `section`."""

    header: tuple[str, ...]
    rectangular: bool

    def layout(self, stream: SectionStream, options: CsvOptions) -> CsvLayout:
        """Say where in the table's records the columns of a section stand."""
        index = {column.name: number for number, column in enumerate(stream.columns)}
        names = self.header[1:] if self.rectangular else self.header
        return CsvLayout(
            delimiter=options.delimiter,
            profile=options.profile,
            section=stream.name if self.rectangular else None,
            places=tuple(index.get(name) for name in names),
        )


def table_of(streams: Sequence[SectionStream]) -> CsvTable:
    """Lay out the table of one section, or of several."""
    names = dict.fromkeys(column.name for stream in streams for column in stream.columns)
    if len(streams) == 1:
        return CsvTable(tuple(names), rectangular=False)
    return CsvTable((SECTION_COLUMN, *names), rectangular=True)


def encode_header(names: Sequence[str], options: CsvOptions) -> bytes:
    """Write the header record. Names of the map need neither quotes nor neutralising."""
    return (options.delimiter.join(names) + "\r\n").encode()
