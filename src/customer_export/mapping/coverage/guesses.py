"""Tables that may concern the customer: by names of their columns, or because the customer's rows point at them."""

import re
from collections.abc import Iterable, Iterator, Mapping

from customer_export.mapping.coverage.reach import spelled_columns
from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.coverage import Possibility
from customer_export.model.customer_map import TableName

_PEOPLE = frozenset(
    {"customer", "client", "user", "member", "buyer", "shopper", "subscriber", "guest", "person", "contact", "account"}
)
"""What schemas call those whom they hold data on."""

_KEYS = frozenset({"id", "uuid", "guid", "no", "nr", "number", "key", "ref", "code", "fk"})
"""What schemas call the columns that point at them."""

_MAIL = frozenset({"email", "mail"})
_OF_A_MAIL = frozenset({"at", "body", "count", "id", "sent", "subject", "template", "verified"})
"""What ends the name of a column that is of a mail or its address, and is no address."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def possibilities_of(
    catalogue: Catalogue, *, customer: TableName, theirs: Iterable[TableName], known: frozenset[TableName]
) -> tuple[Possibility, ...]:
    """List tables that are not `known`: those called so, and those that `theirs` point at."""
    found: dict[TableName, str] = {}
    people = _PEOPLE | {singular(words_of(customer.name)[-1])} if words_of(customer.name) else _PEOPLE
    for table in catalogue.tables.values():
        if not table.is_view and (why := _named_so(table, people)):
            found[table.name] = why
    for name, why in _pointed_at(catalogue.tables, theirs):
        found.setdefault(name, why)
    return tuple(Possibility(table=name, why=why) for name, why in found.items() if name not in known)


def _named_so(table: CatalogueTable, people: frozenset[str]) -> str | None:
    for column in table.columns:
        if names_a_person(column.name, people):
            return f"its column {column.name} may be a customer's key"
        if column.kind in {Kind.TEXT, Kind.OTHER} and names_an_address(column.name):
            return f"its column {column.name} may be a customer's e-mail address"
    return None


def _pointed_at(
    tables: Mapping[TableName, CatalogueTable], theirs: Iterable[TableName]
) -> Iterator[tuple[TableName, str]]:
    for name in theirs:
        for key in tables[name].foreign_keys:
            yield key.table, f"the customer's rows point at it: {spelled_columns(name, key.columns)}"


def names_a_person(column: str, people: frozenset[str]) -> bool:
    """Whether a column is called like a key of somebody: `customer_id`, `UserID`, `buyer`."""
    words = words_of(column)
    if len(words) > 1 and words[-1] in _KEYS:
        words = words[:-1]
    elif len(words) == 1:
        joined = next((key for key in _KEYS if words[0].endswith(key) and words[0] != key), None)
        return words[0] in people or (joined is not None and words[0].removesuffix(joined) in people)
    return bool(words) and words[-1] in people


def names_an_address(column: str) -> bool:
    """Whether a column is called like an e-mail address: `email`, `e_mail`, `customer_email_address`."""
    words = words_of(column)
    return bool(_MAIL & set(words)) and words[-1] not in _OF_A_MAIL


def words_of(name: str) -> list[str]:
    """Split a name into its words, in lower case: `customer_id`, `CustomerId` and `customer id` are the same."""
    return [word.lower() for word in _WORD.findall(name)]


def singular(word: str) -> str:
    """Give the singular of a plural, as far as English schemas have it: `customers`, `parties`."""
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")
