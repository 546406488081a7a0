"""A table as NDJSON: a JSON object a line, its members as in the JSON of one customer, the key the first of them."""

from collections.abc import Iterator, Sequence

from customer_export.model.columns import Column
from customer_export.model.ledger import SectionLedger
from customer_export.writers.json_cells import encode_rows, quoted
from customer_export.writers.ndjson import NdjsonWriter
from customer_export.writers.tables.interface import KeyedRows


class NdjsonTableWriter:
    """Writes a line a row."""

    media_type = NdjsonWriter.media_type

    def write(
        self,
        section: str,  # noqa: ARG002
        columns: Sequence[Column],
        rows: KeyedRows,
        *,
        ledger: SectionLedger,
    ) -> Iterator[bytes]:
        """Give the lines."""
        for keys, batch in rows:
            if keys:
                yield encode_rows(quoted([keys, *batch]), columns, between=b"\n", ledger=ledger)
                yield b"\n"
