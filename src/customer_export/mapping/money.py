"""The currency of amounts: beside them, in the row that they are part of, or the one code of the whole database."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.edges import Edge, is_unique
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.shapes import is_currency, most_are
from customer_export.mapping.words import stem_of, words_of
from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.customer_map import TableName

FARTHEST_ROWS = 2  # keys to follow to a currency: an order line's order, a refund's payment's order

_CODES = frozenset({Kind.TEXT, Kind.ENUM, Kind.OTHER})
_SETTINGS = vocabulary.Terms("setting,configuration,config,option,preference,parameter,system")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyColumn:
    """Where the currency of a table's amounts is: `column` of the table at the end of `path`."""

    path: tuple[Edge, ...]
    column: str


class Currencies:
    """Finds the currency of tables' amounts."""

    def __init__(self, catalogue: Catalogue, evidence: Evidence, edges: Sequence[Edge]) -> None:
        self._catalogue = catalogue
        self._evidence = evidence
        self._leaving: dict[TableName, list[Edge]] = {}
        for edge in edges:
            self._leaving.setdefault(edge.table, []).append(edge)
        self._fixed: tuple[str, str] | None = None
        self._looked = False

    def of(
        self, table: TableName, parents: Iterable[Edge], *, towards: Container[TableName | None] = ()
    ) -> CurrencyColumn | None:
        """Find the column with the currency of a table's amounts.

        `parents` are the rows that its rows are part of; of theirs, those `towards` the customer are asked first: an
        order knows the currency of a discount on its line, the catalogue that of a price today.
        """
        for path in self._paths(table, list(parents), towards):
            at = path[-1].target if path else table
            own = self.own(self._catalogue.tables[at])
            if own is not None:
                return CurrencyColumn(path=path, column=own)
            for edge in self._leaving.get(at, ()):
                code = self._code(edge)
                if code is not None:
                    return CurrencyColumn(path=(*path, edge), column=code)
        return None

    def _paths(
        self, table: TableName, parents: Sequence[Edge], towards: Container[TableName | None]
    ) -> Iterator[tuple[Edge, ...]]:
        yield ()
        near = [edge for edge in parents if self._is_single(edge)]
        yield from ((edge,) for edge in near)
        for edge in near:
            for further in sorted(self._leaving.get(edge.target, ()), key=lambda one: one.target not in towards):
                if further.target not in {table, edge.target} and self._is_single(further):
                    yield edge, further

    def _is_single(self, edge: Edge) -> bool:
        return is_unique(self._catalogue.tables[edge.target], edge.to)

    def own(self, table: CatalogueTable) -> str | None:
        """Give the column of a table that holds ISO 4217 codes; None if it has none."""
        named = [
            column.name
            for column in table.columns
            if column.kind in _CODES and vocabulary.CURRENCY.said_in(words_of(column.name))
        ]
        fitting = [name for name in named if self._holds_codes(table.name, name)]
        return min(fitting, key=lambda name: len(words_of(name)), default=None)

    def _holds_codes(self, table: TableName, column: str) -> bool:
        values = self._evidence.values(table, column)
        return not values or all(is_currency(value.strip()) for value in values)

    def _code(self, edge: Edge) -> str | None:
        """Give the column with the code of a table of currencies that an edge leads to."""
        if not vocabulary.CURRENCY.said_in(stem_of(edge.target.name)) or not self._is_single(edge):
            return None
        table = self._catalogue.tables[edge.target]
        for column in table.columns:
            values = self._evidence.values(table.name, column.name) if column.kind in _CODES else ()
            if values and most_are(values, is_currency):
                return column.name
        return None

    def fixed(self) -> tuple[str, str] | None:
        """Give the one currency of the database and where it was found; None if there is none, or more than one."""
        if not self._looked:
            self._looked = True
            self._fixed = self._find_fixed()
        return self._fixed

    def _find_fixed(self) -> tuple[str, str] | None:
        found: dict[str, str] = {}
        for table in self._catalogue.tables.values():
            stem = stem_of(table.name.name)
            if vocabulary.CURRENCY.said_in(stem) or any(
                vocabulary.CURRENCY.said_in(words_of(column.name)) for column in table.columns
            ):
                found.update(self._codes_in(table))
            elif _SETTINGS.said_in(stem):
                found.update(self._settings_in(table))
        return next(iter(found.items())) if len(found) == 1 else None

    def _codes_in(self, table: CatalogueTable) -> Mapping[str, str]:
        of_currencies = vocabulary.CURRENCY.said_in(stem_of(table.name.name))
        for column in table.columns:
            named = of_currencies or vocabulary.CURRENCY.said_in(words_of(column.name))
            values = self._evidence.values(table.name, column.name) if named and column.kind in _CODES else ()
            if values and all(is_currency(value.strip()) for value in values):
                return {value.strip(): f"{table.name}.{column.name}" for value in values}
        return {}

    def _settings_in(self, table: CatalogueTable) -> Mapping[str, str]:
        """Find a row of settings that is called like a currency and holds a code."""
        columns = [self._evidence.column(table.name, column.name) for column in table.columns]
        found: dict[str, str] = {}
        for row in zip(*(column for column in columns if column), strict=False):
            told = [value for value in row if value is not None]
            name = next((value for value in told if vocabulary.CURRENCY.said_in(words_of(value[:60]))), None)
            code = next((value for value in told if is_currency(value.strip())), None)
            if name is not None and code is not None:
                found[code.strip()] = f"{table.name}: {name[:60]}"
        return found
