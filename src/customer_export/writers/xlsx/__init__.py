"""The workbook: a Summary sheet with charts, and a sheet a section, streamed row by row into the zip."""

from customer_export.writers.xlsx.writer import WorkbookWriter

__all__ = ["WorkbookWriter"]
