"""PostgreSQL's own output as canonical text: which expression each kind of column needs.

Where the type's output function already writes the canonical text, the column is selected as it is: COPY and the
text protocol then spare a cast, worth a third of the time of a million orders (benchmarks/README.md). The session
has DateStyle ISO, IntervalStyle iso_8601, bytea_output hex and the export's time zone.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column, ColumnType
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.source.comparing import Expression
from customer_export.source.money_units import factor_of
from customer_export.source.postgresql.comparing import PostgresqlComparing
from customer_export.source.postgresql.literals import sql_constant, sql_text
from customer_export.source.postgresql.moments import PostgresqlMoments, exact_number, is_number
from customer_export.source.postgresql.types import LooseChar, LooseText, Unordered, Xml
from customer_export.source.select import Bounds

_TEXTS = (ColumnType.TEXT, ColumnType.IDENTIFIER, ColumnType.EMAIL, ColumnType.URL, ColumnType.JSON)
_INERT = "^[+-]?([0-9]+([.][0-9]+)?|[Ii]nfinity)$"
"""Numbers and infinities are never neutralised (the same rule as in writers/csv.py)."""
_UNKNOWN = (sa.types.NullType, postgresql.JSON, postgresql.ARRAY)
"""Types of which a query does not tell whether they, or what they are made of, have an order."""
_EXACT = (sa.Integer, sa.String, sa.Uuid, sa.Boolean, sa.Date, sa.TIMESTAMP, sa.LargeBinary)


class PostgresqlCells:
    """How a PostgreSQL cell becomes canonical text; `time_zone` is the export's, `naive_zone` the map's.

    `key` is the stored type of the customer's key.
    """

    def __init__(self, *, time_zone: str, naive_zone: str, key: TypeEngine[object]) -> None:
        self.comparing = PostgresqlComparing(key=key)
        self._moments = PostgresqlMoments(time_zone=time_zone, naive_zone=naive_zone)

    def cell(self, column: Column, value: Expression, stored: TypeEngine[object]) -> Expression:
        """Give the expression whose output is the cell's canonical text."""
        match column.type:
            case ColumnType.TIMESTAMP | ColumnType.DATE if column.stored_as is not None and is_number(stored):
                return self._moments.counted(column, exact_number(value, stored), column.stored_as)
            case ColumnType.TIMESTAMP if isinstance(stored, sa.TIMESTAMP):
                return self._moments.timestamp(value, stored)
            case ColumnType.DATE if isinstance(stored, sa.TIMESTAMP):
                return self._moments.day(value, stored)
            case ColumnType.BOOLEAN if isinstance(stored, sa.Integer):
                zero, one = sql_constant("0"), sql_constant("1")  # a Python number would become a parameter
                return sa.case(
                    (value == zero, sql_text("false")), (value == one, sql_text("true")), else_=sa.cast(value, sa.Text)
                )
            case ColumnType.INTEGER | ColumnType.DECIMAL | ColumnType.MONEY if isinstance(stored, sa.Float):
                return sa.cast(exact_number(value, stored), sa.Text)
            case ColumnType.DECIMAL | ColumnType.MONEY if isinstance(stored, postgresql.MONEY):
                return sa.cast(sa.cast(value, sa.Numeric), sa.Text)
            case ColumnType.BINARY:
                return _described(value, stored)
        if isinstance(stored, postgresql.INET):  # whose cast to text has /32, which the output has not
            return sa.func.pg_catalog.abbrev(value, type_=sa.Text())
        # a Boolean's output is t or f, a padded CHAR's has its padding, and XML's lacks its declaration
        return sa.cast(value, sa.Text) if isinstance(stored, sa.Boolean | sa.CHAR | Xml) else value

    def bound(
        self, value: Expression, stored: TypeEngine[object], bounds: Bounds, column: Column | None
    ) -> list[Expression]:
        """Compare a time column with the period without wrapping the column, so that an index serves."""
        return self._moments.bound(value, stored, bounds, column)

    def is_blank(self, value: Expression) -> Expression:
        """Compare the text, whatever its type, with white space alone."""
        # a collation that takes different texts for equal has no regular expressions
        return sa.collate(sa.cast(value, sa.Text), "default").regexp_match(sql_text(r"^\s*$"))

    def order(self, value: Expression, stored: TypeEngine[object], *, tied: bool) -> list[Expression]:
        """Sort by the value where its type has an order, and else, or where values may tie, by its text."""
        text = sa.collate(sa.cast(value, sa.Text), "C")
        unordered = isinstance(stored, Unordered) or type(stored) is postgresql.JSON
        if unordered or (tied and isinstance(stored, _UNKNOWN)):
            return [text]
        return [value, text] if tied and not _is_exact(stored) else [value]

    def shifted(self, value: Expression, stored: TypeEngine[object], decimals: int) -> Expression:
        """Multiply exactly: a numeric's scale is the sum of the two."""
        return sa.cast(exact_number(value, stored) * factor_of(decimals), sa.Text)

    @staticmethod
    def csv_cell(column: Column, cell: Expression, stored: TypeEngine[object], layout: CsvLayout) -> Expression:
        """Neutralise a cell inside the SELECT exactly as the CSV writer would (writers/csv.py)."""
        if layout.profile is CsvProfile.RAW or _never_active(column.type, stored):
            return cell
        text = sa.collate(sa.cast(cell, sa.Text), "C")
        first = sa.func.pg_catalog.left(text, sa.literal_column("1"))
        # every active character, and the apostrophe, sorts before A: one comparison of bytes spares most cells the rest
        active: Expression = first.in_([sql_text(one) for one in "=+-@\t\r"])
        if column.type not in _TEXTS:
            active = sa.and_(active, sa.not_(text.regexp_match(sql_text(_INERT))))
        again = sa.and_(first == sql_text("'"), text.regexp_match(sql_text("^'+[=+@\t\r-]")))
        is_active = sa.and_(text < sql_text("A"), sa.or_(active, again))
        return sa.case((is_active, sql_text("'").concat(text)), else_=text)


def _is_exact(stored: TypeEngine[object]) -> bool:
    """Whether values that are equal have the same text, as 1.0 and 1.00 have not."""
    return isinstance(stored, _EXACT) and not isinstance(stored, LooseText | LooseChar | postgresql.CITEXT)


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
        value
        if isinstance(stored, sa.LargeBinary)
        else sa.func.pg_catalog.convert_to(sa.cast(value, sa.Text), sql_text("UTF8"))
    )
    size = sa.cast(sa.func.pg_catalog.octet_length(content), sa.Text)
    digest = sa.func.pg_catalog.encode(sa.func.pg_catalog.sha256(content), sql_text("hex"))
    return sql_text("binary; ").concat(size).concat(sql_text(" bytes; sha256=")).concat(digest)
