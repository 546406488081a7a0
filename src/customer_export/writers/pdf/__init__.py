"""The PDF writer: typst sets the cover, the charts and what needs shaping; the tables are drawn here, row by row.

`report.py` shows the whole way of a report. Why tables are not typst's: docs/formats/pdf.md.
"""

from customer_export.writers.pdf.pool import RendererPool
from customer_export.writers.pdf.writer import PdfWriter

__all__ = ["PdfWriter", "RendererPool"]
