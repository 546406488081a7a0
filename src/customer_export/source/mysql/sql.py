"""The SQL texts that a MySQL source sends, made once for each shape of request and kept."""

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa

from customer_export.model.customer_map import CustomerMap, ReconcileRule, Section
from customer_export.source.comparing import Expression, family_of
from customer_export.source.mysql.cells import MysqlCells, to_text
from customer_export.source.mysql.dialect import text_of
from customer_export.source.mysql.moments import ToText
from customer_export.source.mysql.reconcile import MysqlSums
from customer_export.source.mysql.schema import MysqlSchema
from customer_export.source.reconcile import rule_statement
from customer_export.source.select import Bounds, Reach, Statements

KEPT_TEXTS = 512  # as for PostgreSQL

_INFO: Sequence[Expression] = [
    sa.literal_column(sql) for sql in ("CONCAT(REPLACE(UTC_TIMESTAMP(6), ' ', 'T'), '+00:00')", "VERSION()")
]


class MysqlTexts:
    """The texts for one map. Shared by threads."""

    def __init__(self, customer_map: CustomerMap, schema: MysqlSchema) -> None:
        self._map = customer_map
        self.schema = schema
        self.cells = MysqlCells(customer_map.customer.key_type)
        self.statements = Statements(customer_map, schema.tables, self.cells)
        self.opening = lru_cache(KEPT_TEXTS)(self._opening)
        self.count = lru_cache(KEPT_TEXTS)(self._count)
        self.rows = lru_cache(KEPT_TEXTS)(self._rows)
        self.totals = lru_cache(KEPT_TEXTS)(self._totals)

    @property
    def key_family(self) -> str:
        """The family of types that the customer's key is stored in."""
        customer = self._map.customer
        return family_of(self.schema.tables[customer.table].types[customer.key])

    def to_texts(self, section: Section, *, time_zone: str) -> list[ToText]:
        """Say of each exported column how what is selected becomes text."""
        stored = self.statements.stored_types(section)
        return [
            to_text(column, kind, time_zone=time_zone, naive_zone=self._map.time_zone)
            for column, kind in zip(section.exported_columns, stored, strict=True)
        ]

    def info(self) -> str:
        """Select what is said of a snapshot."""
        return text_of(sa.select(*_INFO))

    def _count(self, section: Section, bounds: Bounds) -> str:
        return text_of(sa.select(self.statements.count(section, bounds)))

    def _opening(self, sections: Sequence[Section], bounds: Bounds, reach: Reach) -> str:
        return text_of(self.statements.opening(sections, bounds, _INFO, reach))

    def _totals(self, rule: ReconcileRule, sections: Sequence[Section], bounds: Bounds) -> str:
        return text_of(rule_statement(self.statements, MysqlSums(), rule, sections, bounds))

    def _rows(self, section: Section, bounds: Bounds) -> str:
        return text_of(self.statements.rows(section, bounds))
