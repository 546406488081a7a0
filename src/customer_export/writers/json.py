"""JSON: one document, valid against the schema that `json_schema` makes of the map."""

from collections.abc import Iterable, Iterator, Sequence

import orjson

from customer_export.model.columns import Batch, Column
from customer_export.model.document import Document, SectionStream
from customer_export.model.ledger import SectionLedger
from customer_export.writers.json_cells import encode_rows, json_batches, quoted
from customer_export.writers.json_head import customer_head, dsar_head, export_head
from customer_export.writers.json_schema import schema_id


class JsonWriter:
    """Writes one JSON document, a row a line. The manifest is its last member, so a cut document shows."""

    media_type = "application/json"

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the document in pieces of a batch each."""
        waiting = encode_head(document)  # leaves with the rows that follow: each piece takes as long as some rows
        for number, stream in enumerate(sections):
            waiting += encode_section_start(stream.name, first=number == 0)
            before, ledger = b"\n", document.ledger.section(stream.name)
            for batch in json_batches(stream):
                yield b"".join((waiting, before, encode_rows(batch, stream.columns, between=ROW_END, ledger=ledger)))
                waiting, before = b"", ROW_END
            waiting += SECTION_END
        yield waiting  # the manifest tells the digest of all that was given before it
        yield encode_end(document)


SECTION_END = b"]"
ROW_END = b",\n"


def encode_head(document: Document) -> bytes:
    """Write the document up to its sections."""
    head = {
        "$schema": schema_id(document.map_version, document.request.template),
        "export": export_head(document),
        "customer": customer_head(document),
        **dsar_head(document),
    }
    return orjson.dumps(head)[:-1] + b',"sections":{'


def encode_section_start(name: str, *, first: bool) -> bytes:
    """Open a section; `first` is that of the document."""
    return f'{"" if first else ","}\n"{name}":['.encode()


def encode_batch(batch: Batch, columns: Sequence[Column], *, first: bool, ledger: SectionLedger) -> bytes:
    """Write some rows, one a line; `first` is the section's first batch."""
    return (b"\n" if first else ROW_END) + encode_rows(quoted(batch), columns, between=ROW_END, ledger=ledger)


def encode_end(document: Document) -> bytes:
    """Close the document with its manifest; every section has been read by now."""
    return b'},\n"manifest":' + orjson.dumps(document.manifest_within()) + b"}\n"
