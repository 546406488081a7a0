"""Columns of MySQL read with an eye on what has to be noted: zero dates, and text that is no UTF-8 to others."""

from collections.abc import Sequence

from customer_export.model.columns import Cell, Column, ColumnType
from customer_export.model.ledger import AlterationKind, SectionLedger
from customer_export.source.invalid_text import READ_AS, mend_texts
from customer_export.source.mysql.moments import ToText
from customer_export.source.mysql.rows import Raw, texts_of

_TIMES = (ColumnType.DATE, ColumnType.TIMESTAMP)
_ZERO, _DAY = "-00", len("YYYY-MM-DD")
"""Stands in no day but one whose month or day is zero."""


def read_column(to_text: ToText, cells: Sequence[Raw], column: Column, ledger: SectionLedger) -> Sequence[Cell]:
    """Make canonical text of a column of a batch."""
    if column.type in _TIMES and column.mask is None:
        _note_zero_dates(cells, column, ledger)
    try:
        return to_text(cells)
    except UnicodeDecodeError:
        mended = mend_texts(texts_of(cells, errors=READ_AS), column.name, ledger)
        return to_text([text if text is None else text.encode().decode("latin-1") for text in mended])


def _note_zero_dates(cells: Sequence[Raw], column: Column, ledger: SectionLedger) -> None:
    """Note days such as 0000-00-00 or 2024-00-15, which stand in every format as they are stored."""
    if _ZERO in "\n".join(filter(None, cells)):
        places = [place for place, cell in enumerate(cells) if cell and _ZERO in cell[:_DAY]]
        ledger.add(column.name, AlterationKind.ZERO_DATE, places, lambda place: str(cells[place]))
