r"""Rows about things of several kinds: one column says of which, as `commentable_type` does, and another has the key.

What a kind is called is a table's name in some habit: `Order`, `App\Models\Order`, `Spree::Order`, `shop.order`, or a
row of Django's content types.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from customer_export.mapping.evidence import Evidence
from customer_export.mapping.inferred import Suspicion
from customer_export.mapping.reference_names import MARKS
from customer_export.mapping.words import common_prefix, singular, stem_of, words_of
from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.customer_map import CONDITION_PATTERN, TableName

_SAYS_KIND = frozenset({"type", "model", "class", "kind", "entity"})
_TEXTS = frozenset({Kind.TEXT, Kind.ENUM, Kind.OTHER})
_APART = re.compile(r"[^\w -]+")
"""What stands between the parts of a class's name."""

_CONTENT_TYPE = ("content", "type")
_DJANGO = ("app_label", "model")
"""The columns that name a content type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """The column that says what a row is about, and the one with its key. `types`: the table of content types."""

    table: CatalogueTable
    kind: str
    key: str
    types: CatalogueTable | None = None


class Kinds:
    """What the rows of a database say of kinds, by the tables that the kinds are. Each such column is read once."""

    def __init__(self, catalogue: Catalogue, evidence: Evidence, *, customer: TableName) -> None:
        self._evidence = evidence
        beside = [one for one in catalogue.tables.values() if one.name.schema == customer.schema and not one.is_view]
        types = next((one for one in beside if all(one.column(name) for name in _DJANGO)), None)
        self._named = _by_name(beside)
        self._suspicions: dict[TableName, list[Suspicion]] = {}
        for table in beside:
            for pair in _pairs(table, types):
                for suspicion in self._suspected(pair):
                    self._suspicions.setdefault(suspicion.target, []).append(suspicion)

    @property
    def explained(self) -> frozenset[tuple[TableName, str]]:
        """The columns whose values are keys of this or that table, as another column says."""
        return frozenset((one.table, one.columns[0]) for found in self._suspicions.values() for one in found)

    def of(self, target: TableName) -> Iterator[Suspicion]:
        """Give the columns that lead to a table where another column says so."""
        yield from self._suspicions.get(target, ())

    def _suspected(self, pair: _Pair) -> Iterator[Suspicion]:
        values = self._evidence.different(pair.table.name, pair.kind)
        names = _class_names(values) if pair.types is None else self._content_types(pair.types, values)
        for value, called in names.items():
            target = next((self._named[name] for name in called if name in self._named), None)
            if target is not None and target.name != pair.table.name and re.fullmatch(CONDITION_PATTERN, value):
                yield Suspicion(
                    table=pair.table.name,
                    columns=(pair.key,),
                    target=target.name,
                    to=target.primary_key,
                    exact=True,
                    only_if=((pair.kind, value),),
                    as_text=_kind(pair.table, pair.key) is not _kind(target, target.primary_key[0]),
                )

    def _content_types(self, types: CatalogueTable, values: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Name the rows of Django's content types that are used: `shop_order`, or `order` alone."""
        (key,) = types.primary_key
        columns = (self._evidence.column(types.name, name) for name in (key, *_DJANGO))
        known = {row[0]: (f"{row[1]}_{row[2]}", str(row[2])) for row in zip(*columns, strict=True) if None not in row}
        return {value: tuple("".join(stem_of(name)) for name in known[value]) for value in values if value in known}


def _by_name(tables: Iterable[CatalogueTable]) -> dict[str, CatalogueTable]:
    """Arrange tables by what a kind of their rows may be called; a name that two would have is none."""
    found: dict[str, list[CatalogueTable]] = {}
    known = [table for table in tables if len(table.primary_key) == 1]
    prefix = common_prefix(table.name.name for table in known)
    for table in known:
        stem = stem_of(table.name.name)
        short = stem[1:] if prefix and len(stem) > 1 and stem[0] == singular(prefix[0]) else stem
        for name in {"".join(stem), "".join(short)} - {""}:
            found.setdefault(name, []).append(table)
    return {name: tables[0] for name, tables in found.items() if len(tables) == 1}


def _pairs(table: CatalogueTable, types: CatalogueTable | None) -> Iterator[_Pair]:
    led_elsewhere = {column for key in table.foreign_keys if len(key.columns) == 1 for column in key.columns}
    keys = {words_of(one.name): one.name for one in table.columns if one.name not in led_elsewhere}
    for column in table.columns:
        words = words_of(column.name)
        if types is not None and len(types.primary_key) == 1 and words[-1:] == ("id",):
            before = words[:-3] if words[-3:-1] == _CONTENT_TYPE else None
            found = [] if before is None else [keys.get((*before, "object", mark)) for mark in ("id", "pk")]
            yield from (_Pair(table=table, kind=column.name, key=key, types=types) for key in found if key)
        elif len(words) > 1 and words[-1] in _SAYS_KIND and column.kind in _TEXTS:
            found = [keys.get((*words[:-1], mark)) for mark in sorted(MARKS)]
            yield from (_Pair(table=table, kind=column.name, key=key) for key in found if key)


def _class_names(values: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Give what tables may be called after each kind: all parts of its name, or the last."""
    named: dict[str, tuple[str, ...]] = {}
    for value in values:
        parts = ["".join(singular(word) for word in words_of(part)) for part in _APART.split(value)]
        named[value] = tuple(dict.fromkeys(("".join(parts), parts[-1])))
    return named


def _kind(table: CatalogueTable, column: str) -> Kind | None:
    described = table.column(column)
    return None if described is None else described.kind
