"""The archive, written as a stream: each section is read once, for its CSV and for the JSON."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from customer_export.model.csv_records import encode_batch
from customer_export.model.csv_table import table_of
from customer_export.model.document import Document, SectionStream
from customer_export.model.request import CsvOptions, CsvProfile
from customer_export.model.written import WrittenBytes
from customer_export.writers import csv, json
from customer_export.writers.letter import letter_of
from customer_export.writers.locale import Word, locale_of
from customer_export.writers.zip.alterations import AlterationsFile
from customer_export.writers.zip.cover import cover_page
from customer_export.writers.zip.csvw import metadata_of
from customer_export.writers.zip.readme import ListedFile, readme_page
from customer_export.writers.zip_output import ZipOutput

RAW = CsvOptions(profile=CsvProfile.RAW)
SPOOL_MEMORY_BYTES = 1 << 20  # the JSON waits here, and beyond it on the disk, while the sections are read
COPY_BYTES = 1 << 16
COVER_FILE = "cover.html"
JSON_FILE, SCHEMA_FILE, ALTERATIONS_FILE, MANIFEST_FILE, README_FILE = (
    "customer.json",
    "customer.schema.json",
    "alterations.csv",
    "manifest.json",
    "README.html",
)


class ZipWriter:
    """Writes the archive. Its manifest is the last member, since it proves all the others."""

    media_type = "application/zip"

    def __init__(self, *, json_schema: Mapping[str, object]) -> None:
        self._json_schema = json_schema

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the archive in pieces."""
        output = ZipOutput()
        with (
            tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES) as document_file,
            tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES) as alterations_file,
            ZipFile(output, "w", ZIP_DEFLATED) as archive,
        ):
            alterations = AlterationsFile(alterations_file, document.ledger, RAW)
            schema = self._json_schema if document.schema is None else document.schema()
            for _ in _Members(document, schema, archive, document_file, alterations).write(sections):
                yield output.take()
        yield output.take()


class _Members:
    """The members of one archive; `write` gives control back after each piece."""

    def __init__(
        self,
        document: Document,
        json_schema: Mapping[str, object],
        archive: ZipFile,
        document_file: IO[bytes],
        alterations: AlterationsFile,
    ) -> None:
        self._document = document
        self._json_schema = json_schema
        self._archive = archive
        self._document_file = document_file
        self._alterations = alterations
        self._locale = locale_of(document.request.locale)
        self._listed: list[ListedFile] = []
        self._files: list[Mapping[str, object]] = []
        self._json = WrittenBytes()

    def write(self, sections: Iterable[SectionStream]) -> Iterator[None]:
        if self._document.dsar is not None:
            letter = letter_of(self._document, self._document.dsar, self._locale)
            cover = cover_page(letter).encode()
            yield from self._member(COVER_FILE, "text/html; charset=utf-8", [cover], letter.title)
        self._write_json(json.encode_head(self._document))
        for number, stream in enumerate(sections):
            self._write_json(json.encode_section_start(stream.name, first=number == 0))
            yield from self._section(stream)
            self._write_json(json.SECTION_END)
        self._write_json(json.encode_end(replace(self._document, written=self._json.proof)))
        self._document_file.seek(0)
        pieces = iter(lambda: self._document_file.read(COPY_BYTES), b"")
        word = self._locale.word
        yield from self._member(JSON_FILE, "application/json", pieces, word(Word.README_JSON))
        yield from self._member(
            SCHEMA_FILE, "application/schema+json", [_indented(self._json_schema)], word(Word.README_SCHEMA)
        )
        yield from self._member(
            ALTERATIONS_FILE, csv.CsvWriter.media_type, self._alterations.pieces(), word(Word.README_ALTERATIONS)
        )
        listed = [*self._listed, ListedFile(MANIFEST_FILE, word(Word.README_MANIFEST))]
        page = readme_page(self._document, listed, self._locale)
        yield from self._member(README_FILE, "text/html; charset=utf-8", [page.encode()], "")
        manifest = self._document.sign({**self._document.manifest(), "files": self._files})
        yield from self._member(MANIFEST_FILE, "application/json", [_indented(manifest)], "")

    def _section(self, stream: SectionStream) -> Iterator[None]:
        self._alterations.begin_section(stream)
        name = f"{stream.name}.csv"
        word = self._locale.word
        yield from self._member(
            f"csv/{name}",
            csv.CsvWriter.media_type,
            self._records(stream),
            word(Word.README_CSV, section=stream.label),
            rows=stream.rows,
        )
        metadata = _indented(metadata_of(name, stream.label, stream.columns))
        yield from self._member(
            f"csv/{name}-metadata.json", "application/csvm+json", [metadata], word(Word.README_CSVW)
        )

    def _records(self, stream: SectionStream) -> Iterator[bytes]:
        """Give the section as CSV and, on the side, its rows as JSON."""
        layout = table_of([stream]).layout(stream, RAW)
        yield csv.encode_header([column.name for column in stream.columns], RAW)
        ledger = self._document.ledger.section(stream.name)
        rows = 0
        for batch in stream.batches():
            yield encode_batch(batch, stream.columns, layout)
            self._write_json(json.encode_batch(batch, stream.columns, first=rows == 0, ledger=ledger))
            rows += len(batch[0])
            self._alterations.flush(rows)

    def _write_json(self, piece: bytes) -> None:
        self._json.add(piece)
        self._document_file.write(piece)

    def _member(
        self, path: str, media_type: str, pieces: Iterable[bytes], content: str, *, rows: int | None = None
    ) -> Iterator[None]:
        # dated by the export, not by the clock: the same export is the same bytes
        info = ZipInfo(path, date_time=self._document.created_at.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        written = WrittenBytes()
        with self._archive.open(info, "w", force_zip64=True) as member:
            for piece in written.passing(pieces):
                member.write(piece)
                yield
        self._listed.append(ListedFile(path, content, rows))
        self._files.append({"name": path, "mediaType": media_type, **written.proof().members()})


def _indented(members: Mapping[str, object]) -> bytes:
    return orjson.dumps(members, option=orjson.OPT_INDENT_2)
