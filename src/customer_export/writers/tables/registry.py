"""The formats of tables. To add one is a file beside this and a line here."""

from collections.abc import Mapping

from customer_export.model.bulk import TableFormat
from customer_export.writers.tables.csv import CsvTableWriter
from customer_export.writers.tables.interface import TableWriter
from customer_export.writers.tables.ndjson import NdjsonTableWriter
from customer_export.writers.tables.parquet import ParquetTableWriter

TABLE_WRITERS: Mapping[TableFormat, TableWriter] = {
    TableFormat.CSV: CsvTableWriter(),
    TableFormat.NDJSON: NdjsonTableWriter(),
    TableFormat.PARQUET: ParquetTableWriter(),
}
