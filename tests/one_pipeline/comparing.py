"""Two exports of the same data as what they have in common: without ids, times and who asked."""

import json
import re
import zlib
from collections.abc import Mapping
from html import unescape
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pypdfium2

from customer_export.model.request import ExportFormat

PER_EXPORT = {"exportId", "createdAt", "requestedBy", "parameters", "snapshot", "coverage", "software", "signature"}
"""Members of a manifest that are of one export, or of the answer to it."""
OF_BYTES = {"file", "content", "files"}
"""Digests of bytes in which those members stand."""
HEAD_PER_EXPORT = {"id", "createdAt", "snapshotAt", "requestedBy"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT?[ \d:.]*(?:[+-]\d\d:\d\d|Z)?")
_SUMMARY, _MANIFEST = "xl/worksheets/sheet1.xml", "customXml/item1.xml"


def common_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a manifest says whoever asks, whenever."""
    return {name: value for name, value in manifest.items() if name not in PER_EXPORT | OF_BYTES}


def common_content(form: ExportFormat, content: bytes, manifest: Mapping[str, Any]) -> object:
    """Give what two files of the same data must have in common: byte for byte wherever rows stand."""
    match form:
        case ExportFormat.CSV:
            return content
        case ExportFormat.JSON:
            return _common_json(content)
        case ExportFormat.NDJSON:
            head, *records, last = content.splitlines(keepends=True)
            return _common_head(json.loads(head)["header"]), records, common_manifest(json.loads(last)["manifest"])
        case ExportFormat.ZIP:
            return _common_archive(content)
        case ExportFormat.XLSX:
            return _common_workbook(content, manifest)
        case ExportFormat.PDF:
            return _common_report(content, manifest)


def _common_json(content: bytes) -> object:
    head, sections = content.split(b',"sections":{', 1)
    records, manifest = sections.rsplit(b'},\n"manifest":', 1)
    return _common_head(json.loads(head + b"}")), records, common_manifest(json.loads(manifest[:-2]))


def _common_head(head: dict[str, Any]) -> object:
    return {**head, "export": {name: value for name, value in head["export"].items() if name not in HEAD_PER_EXPORT}}


def _common_archive(content: bytes) -> object:
    archive = ZipFile(BytesIO(content))
    members: dict[str, object] = {name: archive.read(name) for name in archive.namelist()}
    members["customer.json"] = _common_json(archive.read("customer.json"))
    members["manifest.json"] = common_manifest(json.loads(archive.read("manifest.json")))
    page = archive.read("README.html").decode()
    members["README.html"] = re.sub("<tr><th>.*?</tr>", "", page)
    return list(members), members


def _common_workbook(content: bytes, manifest: Mapping[str, Any]) -> object:
    archive = ZipFile(BytesIO(content))
    members: dict[str, object] = {}
    for name in archive.namelist():
        part = archive.read(name)
        if name == _MANIFEST:
            text = part.decode().partition('urn:customer-export:manifest">')[2].removesuffix("</manifest>")
            members[name] = common_manifest(json.loads(unescape(text)))
            continue
        if name.startswith("docProps/") or part.count(manifest["exportId"].encode()):
            part = part.replace(manifest["exportId"].encode(), b"").replace(
                f">{manifest['requestedBy']}<".encode(), b"><"
            )
            part = _MOMENT.sub("", part.decode()).encode()
        members[name] = re.sub(b"<v>[0-9.]+</v>", b"", part) if name == _SUMMARY else zlib.crc32(part)
    return members


def _common_report(content: bytes, manifest: Mapping[str, Any]) -> object:
    report = pypdfium2.PdfDocument(content)
    pages = [page.get_textpage().get_text_bounded() for page in report]
    moments = re.findall("(?:Snapshot taken|Created)\r\n(.*)\r\n", pages[0])
    for one in (manifest["exportId"], manifest["requestedBy"], *moments):
        pages = [page.replace(one, "") for page in pages]
    return pages
