"""A table as NDJSON: a JSON object a line, its members as in the JSON of one customer, the key the first of them."""

from collections.abc import Iterator, Sequence

from customer_export.model.columns import Column
from customer_export.model.ledger import Ledger
from customer_export.writers.json_cells import encode_rows, quoted
from customer_export.writers.ndjson import NdjsonWriter
from customer_export.writers.tables.interface import KeyedRows


class NdjsonTableWriter:
    """Writes a line a row."""

    media_type = NdjsonWriter.media_type

    def write(self, section: str, columns: Sequence[Column], rows: KeyedRows) -> Iterator[bytes]:
        """Give the lines."""
        ledger = Ledger().section(section)  # a table has no manifest to tell of it
        for keys, batch in rows:
            if keys:
                yield encode_rows(quoted([keys, *batch]), columns, between=b"\n", ledger=ledger)
                yield b"\n"
