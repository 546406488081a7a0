"""PostgreSQL's own output as canonical text: which expression each kind of column needs.

Where the type's output function already writes the canonical text, the column is selected as it is: COPY and the
text protocol then spare a cast, worth a third of the time of a million orders (benchmarks/README.md). The session
has DateStyle ISO, IntervalStyle iso_8601, bytea_output hex and the export's time zone.
"""

from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column, ColumnType
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.source.comparing import Expression, PlainComparing, parameter
from customer_export.source.select import Bounds

_TEXTS = (ColumnType.TEXT, ColumnType.IDENTIFIER, ColumnType.EMAIL, ColumnType.URL, ColumnType.JSON)
_INERT = "^[+-]?([0-9]+([.][0-9]+)?|[Ii]nfinity)$"
"""Numbers and infinities are never neutralised (the same rule as in writers/csv.py)."""
_FIRST, _END = "0001-01-01", "10000-01-01"
"""ISO 8601 has no year outside these and no infinity; such time stamps keep PostgreSQL's own text."""
_REGIONS = {"CET": "Europe/Brussels", "EET": "Europe/Athens", "MET": "Europe/Brussels", "WET": "Europe/Lisbon"}
"""IANA's zones with a summer time whose names timezone() reads as abbreviations, without one."""


class PostgresqlCells:
    """How a PostgreSQL cell becomes canonical text; `time_zone` is the export's, `naive_zone` the map's."""

    comparing = PlainComparing()

    def __init__(self, *, time_zone: str, naive_zone: str) -> None:
        self._utc = ZoneInfo(time_zone) == ZoneInfo("UTC")
        self._zone = _REGIONS.get(time_zone, time_zone)
        self._naive_zone = _REGIONS.get(naive_zone, naive_zone)

    def cell(self, column: Column, value: Expression, stored: TypeEngine[object]) -> Expression:
        """Give the expression whose output is the cell's canonical text."""
        match column.type:
            case ColumnType.TIMESTAMP if isinstance(stored, sa.TIMESTAMP):
                return self._timestamp(value, stored)
            case ColumnType.DATE if isinstance(stored, sa.TIMESTAMP):
                return sa.cast(sa.cast(self._aware(value, stored), sa.Date), sa.Text)
            case ColumnType.BOOLEAN if isinstance(stored, sa.Integer):
                zero, one = _constant("0"), _constant("1")  # a Python number would become a parameter
                return sa.case(
                    (value == zero, _text("false")), (value == one, _text("true")), else_=sa.cast(value, sa.Text)
                )
            case ColumnType.INTEGER | ColumnType.DECIMAL | ColumnType.MONEY if isinstance(stored, sa.Float):
                # through text: a cast from a float to numeric would keep 15 digits only
                return sa.cast(sa.cast(sa.cast(value, sa.Text), sa.Numeric), sa.Text)
            case ColumnType.DECIMAL | ColumnType.MONEY if isinstance(stored, postgresql.MONEY):
                return sa.cast(sa.cast(value, sa.Numeric), sa.Text)
            case ColumnType.BINARY:
                return _described(value, stored)
        # a Boolean's output is t or f, and a padded CHAR's has its padding; their casts to text don't
        return sa.cast(value, sa.Text) if isinstance(stored, sa.Boolean | sa.CHAR) else value

    def bound(self, value: Expression, stored: TypeEngine[object], bounds: Bounds) -> list[Expression]:
        """Compare a time column with the period without wrapping the column, so that an index serves."""
        conditions: list[Expression] = []
        if bounds.start:
            conditions.append(value >= self._edge("start", stored))
        if bounds.end:
            conditions.append(value < self._edge("end", stored))
        return conditions

    def is_blank(self, value: Expression) -> Expression:
        """Compare the text, whatever its type, with white space alone."""
        return sa.cast(value, sa.Text).regexp_match(_text(r"^\s*$"))

    def _edge(self, name: str, stored: TypeEngine[object]) -> Expression:
        if isinstance(stored, sa.Date):
            return sa.cast(parameter(f"{name}_date"), sa.Date)
        instant = sa.cast(parameter(name), sa.TIMESTAMP(timezone=True))
        if isinstance(stored, sa.TIMESTAMP) and not stored.timezone:
            return sa.func.timezone(_text(self._naive_zone), instant)
        return instant

    def _aware(self, value: Expression, stored: sa.TIMESTAMP) -> Expression:
        return value if stored.timezone else sa.func.timezone(_text(self._naive_zone), value)

    def _timestamp(self, value: Expression, stored: sa.TIMESTAMP) -> Expression:
        aware = self._aware(value, stored)
        text = sa.cast(aware, sa.Text)
        iso = sa.func.replace(text, _text(" "), _text("T"))
        if self._utc:
            written = iso.concat(_text(":00"))
        else:  # other zones have minutes in some offsets
            written = sa.case((text.not_like(_text("%:__")), iso.concat(_text(":00"))), else_=iso)
        first, end = (
            sa.func.timezone(_text(self._zone), sa.cast(_text(edge), sa.TIMESTAMP())) for edge in (_FIRST, _END)
        )
        return sa.case((sa.and_(aware >= first, aware < end), written), else_=text)

    @staticmethod
    def csv_cell(column: Column, cell: Expression, stored: TypeEngine[object], layout: CsvLayout) -> Expression:
        """Neutralise a cell inside the SELECT exactly as the CSV writer would (writers/csv.py)."""
        if layout.profile is CsvProfile.RAW or _never_active(column.type, stored):
            return cell
        text = sa.cast(cell, sa.Text)
        first = sa.func.left(text, sa.literal_column("1"))
        # every active character, and the apostrophe, sorts before A: one comparison of bytes spares most cells the rest
        active: Expression = first.in_([_text(one) for one in "=+-@\t\r"])
        if column.type not in _TEXTS:
            active = sa.and_(active, sa.not_(text.regexp_match(_text(_INERT))))
        again = sa.and_(first == _text("'"), text.regexp_match(_text("^'+[=+@\t\r-]")))
        is_active = sa.and_(sa.collate(text, "C") < _text("A"), sa.or_(active, again))
        return sa.case((is_active, _text("'").concat(text)), else_=text)


def _never_active(kind: ColumnType, stored: TypeEngine[object]) -> bool:
    """Whether no output of this type can begin like a formula without being a number."""
    match kind:
        case ColumnType.INTEGER | ColumnType.DECIMAL | ColumnType.MONEY:
            return isinstance(stored, sa.Integer | sa.Numeric | sa.Float)
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            return isinstance(stored, sa.Date | sa.TIMESTAMP)
        case ColumnType.UUID:
            return isinstance(stored, sa.Uuid)
        case ColumnType.BOOLEAN:
            return isinstance(stored, sa.Boolean)
        case _:
            return kind is ColumnType.BINARY


def _described(value: Expression, stored: TypeEngine[object]) -> Expression:
    content = (
        value if isinstance(stored, sa.LargeBinary) else sa.func.convert_to(sa.cast(value, sa.Text), _text("UTF8"))
    )
    size = sa.cast(sa.func.octet_length(content), sa.Text)
    digest = sa.func.encode(sa.func.sha256(content), _text("hex"))
    return _text("binary; ").concat(size).concat(_text(" bytes; sha256=")).concat(digest)


def _constant(sql: str) -> Expression:
    return sa.literal_column(sql)


def _text(constant: str) -> sa.ColumnElement[str]:
    """Write one of this module's constants (never data) into the statement."""
    escaped = constant.replace("'", "''").replace("\\", "\\\\").replace("\t", "\\t").replace("\r", "\\r")
    prefix = "E" if "\\" in escaped else ""
    return sa.literal_column(f"{prefix}'{escaped}'", type_=sa.Text())
