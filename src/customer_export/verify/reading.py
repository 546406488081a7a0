"""The rows of a file, whatever its format."""

from typing import IO
from zipfile import ZipFile

from customer_export.verify.claims import Claims
from customer_export.verify.csv_rows import read_csv
from customer_export.verify.json_rows import read_json, read_ndjson
from customer_export.verify.pdf_rows import has_rows, read_pdf
from customer_export.verify.rows import Pieces
from customer_export.verify.xlsx_rows import read_xlsx
from customer_export.verify.zip_rows import read_zip

ROW_FORMATS = frozenset({"csv", "json", "ndjson", "xlsx", "zip"})
"""Whose rows can always be read."""


def can_be_read(claims: Claims) -> bool:
    """Whether a file has rows that can be read: a PDF's are drawn, unless it has them attached."""
    return claims.format in ROW_FORMATS or (claims.format == "pdf" and has_rows(claims))


def read_rows(file: IO[bytes], claims: Claims, *, cells: bool = False) -> Pieces:
    """Read the rows of a file that `can_be_read`; with `cells` no piece has records alone.

    Raises BrokenFileError, or one of UNREADABLE.
    """
    match claims.format:
        case "csv":
            return read_csv(file, claims, cells=cells)
        case "json":
            return read_json(file, claims.sections)
        case "ndjson":
            return read_ndjson(file, claims.sections)
        case "pdf":
            return read_pdf(file, claims)
        case "xlsx":
            return read_xlsx(ZipFile(file), claims)
        case _:
            return read_zip(ZipFile(file), claims)
