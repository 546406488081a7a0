"""The same export as JSON, attached to the report (PDF/A-3, ISO 19005-3, 6.8; ISO 32000-1, 7.11.4)."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC

from isal import isal_zlib

from customer_export.model.columns import Batch, Column
from customer_export.model.document import Document, SectionStream
from customer_export.model.written import WrittenBytes
from customer_export.writers import json
from customer_export.writers.pdf.objects import COMPRESSION_LEVEL, ObjectFile, text_string

FILE_NAME = "customer.json"
_MEMORY_BYTES = 1 << 20  # of a compressed document: some ten thousand rows; a longer one goes to the disk
_PIECE_BYTES = 1 << 16


class JsonAttachment:
    """Takes the rows while they are drawn, and writes the document as one stream of the PDF. Close it in any case."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115  (`close` closes it)
        self._packed = isal_zlib.compressobj(COMPRESSION_LEVEL)
        self._written = WrittenBytes()
        self._sections = 0
        self._number = 0
        self._write(json.encode_head(document))

    def close(self) -> None:
        """Give back what it holds."""
        self._file.close()

    def batches(self, stream: SectionStream) -> Iterator[Batch]:
        """Give a section's rows on, each when it is written."""
        self._write(json.encode_section_start(stream.name, first=self._sections == 0))
        self._sections += 1
        first = True
        for batch in stream.batches():
            self._write(self._encoded(batch, stream.columns, name=stream.name, first=first))
            first = False
            yield batch
        self._write(json.SECTION_END)

    def write_stream(self, objects: ObjectFile) -> Iterator[None]:
        """Write the document as a stream, pausing where the output has grown; every row has been given by now."""
        self._write(json.encode_end(replace(self._document, written=self._written.proof)))
        size_bytes = self._written.proof().size_bytes
        self._file.write(self._packed.flush())
        self._number, packed_bytes = objects.reserve(), self._file.tell()
        moment = self._document.created_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
        objects.begin_raw_stream(
            self._number,
            "/Type/EmbeddedFile/Subtype/application#2Fjson"
            f"/Params<</Size {size_bytes}/ModDate({moment})>>/Filter/FlateDecode",
            packed_bytes,
        )
        self._file.seek(0)
        while piece := self._file.read(_PIECE_BYTES):
            objects.write_raw(piece)
            yield
        objects.end_raw_stream()

    def write_specification(self, objects: ObjectFile) -> int:
        """Write what names the stream, and give its number."""
        description = text_string(f"Export {self._document.export_id}")
        return objects.add(
            f"<</Type/Filespec/F({FILE_NAME})/UF{text_string(FILE_NAME)}/Desc{description}"
            f"/AFRelationship/Data/EF<</F {self._number} 0 R/UF {self._number} 0 R>>>>"
        )

    def _encoded(self, batch: Batch, columns: Sequence[Column], *, name: str, first: bool) -> bytes:
        return json.encode_batch(batch, columns, first=first, ledger=self._document.ledger.section(name))

    def _write(self, piece: bytes) -> None:
        self._written.add(piece)
        self._file.write(self._packed.compress(piece))
