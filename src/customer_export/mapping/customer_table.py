"""Which table is the customers': every table that may be, the likeliest first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from customer_export.errors import CustomerTableError
from customer_export.mapping import vocabulary
from customer_export.mapping.reference_names import core_of
from customer_export.mapping.shapes import is_uuid
from customer_export.mapping.words import common_prefix, stem_of, words_of
from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.customer_map import KeyType, TableName

SHOWN_CANDIDATES = 8  # as many as fit on a screen with their reasons

_TAILS = frozenset(
    {"entity", "account", "master", "data", "info", "base", "record", "profile", "user", "lookup", "table"}
)
"""Words that a table of customers may end in: `customer_entity` is one, and `customer_group` is none."""

_PREFIX_WORDS = frozenset({"auth", "app", "web", "shop", "store", "crm", "core", "account", "my", "site", "sys", "fos"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A table that may be the customers'. `reached_by` tables lead to it; `key` is its key of one column."""

    table: TableName
    score: int
    reached_by: int
    key: str | None
    reasons: tuple[str, ...]


def rank_customer_tables(catalogue: Catalogue) -> list[Candidate]:
    """Give the tables that may be the customers', the likeliest first."""
    prefix = common_prefix(name.name for name in catalogue.tables)
    reaching = _reaching(catalogue)
    candidates = [_candidate(table, prefix, reaching[name]) for name, table in catalogue.tables.items()]
    likely = [candidate for candidate in candidates if candidate is not None]
    return sorted(likely, key=lambda one: (-one.score, str(one.table)))[:SHOWN_CANDIDATES]


def _candidate(table: CatalogueTable, prefix: tuple[str, ...], reached_by: int) -> Candidate | None:
    by_name = _name_score(table.name.name, prefix)
    if by_name == 0:
        return None
    columns = [(words_of(column.name), column) for column in table.columns]
    has_email = any(vocabulary.EMAIL.said_in(words) and not vocabulary.NOT_EMAIL.said_in(words) for words, _ in columns)
    has_name = any(vocabulary.NAMES.said_in(words) for words, _ in columns)
    key = key_of(table)
    reasons = [
        *(["an e-mail address"] if has_email else []),
        *(["a name"] if has_name else []),
        *([f"{reached_by} tables that lead to it"] if reached_by > 1 else ["a table that leads to it"] * reached_by),
        *(["no key of one column"] if key is None else []),
        *(["a view"] if table.is_view else []),
    ]
    score = by_name + 25 * has_email + 12 * has_name + min(40, 8 * reached_by)
    score -= 60 * (key is None) + 40 * table.is_view
    return Candidate(table=table.name, score=score, reached_by=reached_by, key=key, reasons=tuple(reasons))


def _name_score(name: str, prefix: tuple[str, ...]) -> int:
    """Say how much a name speaks for a table of customers; 0 if nothing does."""
    stem = stem_of(name)
    if prefix and len(stem) > 1 and stem[0] == prefix[0]:
        stem = stem[1:]
    last = stem[-1:]
    tail = stem[:-1] if len(stem) > 1 and last[0] in _TAILS else ()
    if vocabulary.STAFF.said_in(stem):
        return 10 if vocabulary.PEOPLE.names(last) else 0
    for terms, whole, ending in (
        (vocabulary.CUSTOMERS, 100, 80),
        (vocabulary.LIKELY_PEOPLE, 75, 60),
        (vocabulary.PEOPLE, 50, 40),
    ):
        if terms.names(stem):
            return whole
        if terms.names(last) and (len(stem) == 1 or stem[0] in _PREFIX_WORDS):
            return whole - 5
        if terms.names(last) or (tail and terms.names(tail)):
            return ending
    return 0


def _reaching(catalogue: Catalogue) -> Mapping[TableName, int]:
    """Count the tables that lead to each by foreign keys, or by names where there are no keys at all.

    Columns that say who handled a row are left out.
    """
    children: dict[TableName, set[TableName]] = {name: set() for name in catalogue.tables}
    has_keys = any(table.foreign_keys for table in catalogue.tables.values())
    for table, column, target in _keys(catalogue) if has_keys else _called_after(catalogue):
        words = words_of(column)
        if not vocabulary.MAKERS.said_in(words) and not vocabulary.HANDLERS.said_in(words):
            children[target].add(table)
    return {name: len(_closure(name, children)) for name in catalogue.tables}


def _keys(catalogue: Catalogue) -> Iterator[tuple[TableName, str, TableName]]:
    for table in catalogue.tables.values():
        yield from ((table.name, key.columns[-1], key.table) for key in table.foreign_keys)


def _called_after(catalogue: Catalogue) -> Iterator[tuple[TableName, str, TableName]]:
    """Give the columns that are called after a table: `party` after `party_party`."""
    stems = {stem_of(name.name): name for name in catalogue.tables}
    for table in catalogue.tables.values():
        for column in table.columns:
            target = stems.get(core_of(words_of(column.name)))
            if target is not None:
                yield table.name, column.name, target


def _closure(start: TableName, children: Mapping[TableName, set[TableName]]) -> set[TableName]:
    """Give the children and grandchildren of a table: what is farther away says little of it."""
    near = children[start] - {start}
    return {start, *near, *(far for child in near for far in children[child])} - {start}


def key_of(table: CatalogueTable) -> str | None:
    """Give the key that customers are known by: the primary key if it is one column, else a unique one."""
    single = [key[0] for key in (table.primary_key, *table.unique_keys) if len(key) == 1]
    return single[0] if single else None


def key_type_of(table: CatalogueTable, key: str, values: Sequence[str]) -> KeyType:
    """Say of which type ids are; `values` are a few of them, where the database declares no type."""
    column = table.column(key)
    assert column is not None
    match column.kind:
        case Kind.INTEGER:
            return KeyType.INTEGER
        case Kind.UUID:
            return KeyType.UUID
        case Kind.DECIMAL | Kind.OTHER if values and all(value.lstrip("-").isdigit() for value in values):
            return KeyType.INTEGER
        case _:
            return KeyType.UUID if _all_uuids(values) else KeyType.TEXT


def _all_uuids(values: Sequence[str]) -> bool:
    """Whether all are UUIDs in lower case, as which the map compares them."""
    return bool(values) and all(is_uuid(value) and value == value.lower() for value in values)


def find_customer_table(catalogue: Catalogue, name: str) -> CatalogueTable:
    """Find the table that was asked for, as `TABLE` or `SCHEMA.TABLE`. Raises CustomerTableError."""
    exact = [table for table in catalogue.tables.values() if name in {str(table.name), table.name.name}]
    folded = [table for table in catalogue.tables.values() if name.casefold() == str(table.name).casefold()]
    found = [table for table in exact if str(table.name) == name] or exact or folded
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(str(table.name) for table in found)
        raise CustomerTableError(f"There are several tables {name!r} ({places}); write --customer SCHEMA.TABLE")
    near = [str(one.table) for one in rank_customer_tables(catalogue)]
    remedy = f"likely ones are {', '.join(near)}" if near else "name one that the database has"
    raise CustomerTableError(f"There is no table {name!r} in the database; {remedy}")


def require_key(table: CatalogueTable, asked: str | None) -> str:
    """Give the column that customers are known by. Raises CustomerTableError where there is none."""
    if asked is not None:
        column = table.column(asked)
        if column is None:
            known = ", ".join(one.name for one in table.columns)
            raise CustomerTableError(f"The table {str(table.name)!r} has no column {asked!r}; it has {known}")
        return asked
    key = key_of(table)
    if key is None:
        raise CustomerTableError(
            f"The table {str(table.name)!r} has no key of one column, so a customer cannot be known by an id; add a "
            "primary key, or name a column whose values are unique: --key COLUMN"
        )
    return key
