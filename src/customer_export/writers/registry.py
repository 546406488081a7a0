"""The formats that can be written. To add one is a file beside this and a line here."""

from collections.abc import Mapping

from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import ExportFormat
from customer_export.writers.csv import CsvWriter
from customer_export.writers.interface import Writer
from customer_export.writers.json import JsonWriter
from customer_export.writers.json_schema import document_schema
from customer_export.writers.ndjson import NdjsonWriter
from customer_export.writers.pdf import PdfWriter
from customer_export.writers.xlsx import WorkbookWriter
from customer_export.writers.zip.writer import ZipWriter


def make_writers(customer_map: CustomerMap, pdf: PdfWriter) -> Mapping[ExportFormat, Writer]:
    """Make the writer of each format, for exports with one map; that of PDF has processes, so it is the caller's."""
    return {
        ExportFormat.CSV: CsvWriter(),
        ExportFormat.JSON: JsonWriter(),
        ExportFormat.NDJSON: NdjsonWriter(),
        ExportFormat.PDF: pdf,
        ExportFormat.XLSX: WorkbookWriter(),
        ExportFormat.ZIP: ZipWriter(json_schema=document_schema(customer_map)),
    }
