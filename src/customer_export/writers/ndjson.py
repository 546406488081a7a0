"""NDJSON: a header line, a line a record, and a manifest line, without which the file is cut."""

from collections.abc import Iterable, Iterator

import orjson

from customer_export.model.document import Document, SectionStream
from customer_export.writers.json_cells import encode_rows, json_batches
from customer_export.writers.json_head import customer_head, dsar_head, export_head


class NdjsonWriter:
    """Writes one JSON text a line: `{"header": …}`, `{"section": …, "record": …}` and `{"manifest": …}`."""

    media_type = "application/x-ndjson"

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the lines in pieces of a batch each."""
        header = {"export": export_head(document), "customer": customer_head(document), **dsar_head(document)}
        yield orjson.dumps({"header": header}) + b"\n"
        for stream in sections:
            before, after = f'{{"section":"{stream.name}","record":'.encode(), b"}\n"
            ledger = document.ledger.section(stream.name)
            for batch in json_batches(stream):
                rows = encode_rows(batch, stream.columns, between=after + before, ledger=ledger)
                yield b"".join([before, rows, after])
        yield orjson.dumps({"manifest": document.manifest_within()}) + b"\n"
