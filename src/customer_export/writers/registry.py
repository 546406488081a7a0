"""The formats that can be written. To add one is a file beside this and a line here."""

from collections.abc import Mapping

from customer_export.model.request import ExportFormat
from customer_export.writers.csv import CsvWriter
from customer_export.writers.interface import Writer
from customer_export.writers.json import JsonWriter
from customer_export.writers.ndjson import NdjsonWriter


def make_writers() -> Mapping[ExportFormat, Writer]:
    """Make the writer of each format."""
    return {
        ExportFormat.CSV: CsvWriter(),
        ExportFormat.JSON: JsonWriter(),
        ExportFormat.NDJSON: NdjsonWriter(),
    }
