"""JSON: one document, valid against the schema that `json_schema` makes of the map."""

from collections.abc import Iterable, Iterator

import orjson

from customer_export.model.document import Document, SectionStream
from customer_export.writers.json_cells import encode_rows
from customer_export.writers.json_head import customer_head, export_head
from customer_export.writers.json_schema import schema_id


class JsonWriter:
    """Writes one JSON document, a row a line. The manifest is its last member, so a cut document shows."""

    media_type = "application/json"

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the document in pieces of a batch each."""
        head = {
            "$schema": schema_id(document.map_version),
            "export": export_head(document),
            "customer": customer_head(document),
        }
        yield orjson.dumps(head)[:-1] + b',"sections":{'
        for number, stream in enumerate(sections):
            yield f'{"," if number else ""}\n"{stream.name}":['.encode()
            separator = "\n"
            for batch in stream.batches():
                yield (separator + ",\n".join(encode_rows(batch, stream.columns))).encode()
                separator = ",\n"
            yield b"]"
        yield b'},\n"manifest":' + orjson.dumps(document.manifest()) + b"}\n"
