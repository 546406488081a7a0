"""Files with their manifests, as the program makes them; the digests come from the CSV writer's own bytes."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from customer_export.model.columns import Column, ColumnType
from customer_export.model.csv_records import encode_batch
from customer_export.model.document import CsvLayout, Document
from customer_export.model.request import Attachment, CsvOptions, CsvProfile, ExportFormat
from customer_export.model.written import WrittenBytes
from customer_export.writers.csv import CsvWriter
from customer_export.writers.interface import Writer
from customer_export.writers.json import JsonWriter
from customer_export.writers.ndjson import NdjsonWriter
from customer_export.writers.xlsx import WorkbookWriter
from customer_export.writers.zip.writer import ZipWriter
from writers.sections import MemorySection, document

WRITERS: dict[ExportFormat, Writer] = {
    ExportFormat.CSV: CsvWriter(),
    ExportFormat.JSON: JsonWriter(),
    ExportFormat.NDJSON: NdjsonWriter(),
    ExportFormat.XLSX: WorkbookWriter(),
    ExportFormat.ZIP: ZipWriter(json_schema={"type": "object"}),
}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
Sign = Callable[[Mapping[str, object]], Mapping[str, object]]


@dataclass(frozen=True)
class Made:
    """A file and the manifest that is served with it."""

    form: ExportFormat
    data: bytes
    manifest: dict[str, Any]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make(
    form: ExportFormat,
    sections: Sequence[MemorySection],
    *,
    key: Sequence[str] = ("id",),
    csv: CsvOptions | None = None,
    time_zone: str = "UTC",
    sign: Sign = dict,
    attach: Attachment | None = None,
) -> Made:
    """Write a file and its manifest."""
    options = csv or CsvOptions()
    members = {
        "manifestVersion": 2,
        "exportId": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "customer": {"id": "1"},
        "format": form.value,
        "timeZone": time_zone,
        "parameters": {
            "delimiter": _DELIMITERS[options.delimiter],
            "profile": options.profile.value,
            "bom": str(options.bom).lower(),
            **({} if attach is None else {"attach": attach.value}),
        },
        **digests(sections, key),
    }
    data = write(form, sections, options, time_zone, members, sign=sign, attach=attach)
    file = {"name": f"a.{form}", "mediaType": "", "bytes": len(data), "sha256": sha256(data)}
    return Made(form, data, {**members, "file": file})


def write(
    form: ExportFormat,
    sections: Sequence[MemorySection],
    options: CsvOptions,
    time_zone: str,
    members: Mapping[str, object],
    *,
    sign: Sign = dict,
    attach: Attachment | None = None,
) -> bytes:
    written = WrittenBytes()
    head: Document = document(options)
    head = replace(
        head,
        request=replace(head.request, time_zone=time_zone, attach=attach),
        manifest=lambda: members,
        written=written.proof,
        sign=sign,
    )
    return b"".join(written.passing(WRITERS[form].write(head, sections)))


def digests(sections: Sequence[MemorySection], key: Sequence[str]) -> dict[str, object]:
    """Give what a manifest says of the rows."""
    plain = [
        replace(section, data=[_canonical(row, section) for row in section.data], batch_rows=1) for section in sections
    ]
    head, *records = CsvWriter().write(document(), plain)
    assert head
    waiting = iter(records)
    told, lines = [], []
    for section in sections:
        own = [next(waiting) for _ in range(section.rows)]
        names = [column.name for column in section.columns if column.name in key]
        keys = b"".join(_key(row, section.columns, names) for row in section.data if names)
        digest = sha256(b"".join(own))
        lines.append(f"{section.name} {section.rows} {digest}\n")
        told.append(
            {
                "name": section.name,
                "rows": section.rows,
                "filtered": False,
                "columns": [{"name": column.name, "type": column.type.value} for column in section.columns],
                "key": names,
                "sha256": digest,
                "keySha256": sha256(keys) if names else None,
                **blocks(b"".join(own)),
            }
        )
    return {"sections": told, "canonical": {"form": "csv", "sha256": sha256("".join(lines).encode())}}


def blocks(records: bytes) -> dict[str, object]:
    """Give the digests of the records' beginnings, by the rule and not by the program's own loop."""
    size = 4_096
    while len(records) // size >= 512:
        size *= 2
    ends = range(size, len(records) + 1, size)
    return {"blocks": {"bytes": size, "sha256": [sha256(records[:end])[:16] for end in ends]}} if ends else {}


def _canonical(row: Sequence[str | None], section: MemorySection) -> Sequence[str | None]:
    """Write JSON cells as every format can hold them (docs/manifest.md)."""
    return [
        cell if cell is None or column.type is not ColumnType.JSON else _json(cell)
        for cell, column in zip(row, section.columns, strict=True)
    ]


def _json(cell: str) -> str | None:
    try:
        return None if orjson.loads(cell) is None else re.sub("[\r\n]", " ", cell).strip()
    except orjson.JSONDecodeError:
        return json.dumps(cell, ensure_ascii=False)


def _key(row: Sequence[str | None], columns: Sequence[Column], names: Sequence[str]) -> bytes:
    places = tuple(place for place, column in enumerate(columns) if column.name in names)
    layout = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=None, places=places)
    return re.sub(rb"\r\n\Z", b"\n", encode_batch([[cell] for cell in row], columns, layout))
