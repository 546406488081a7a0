"""Whether rows that somebody's row leads to are that somebody's alone: an address, an account, not a country."""

from customer_export.mapping import vocabulary
from customer_export.mapping.edges import Edge, is_address, is_hub, is_unique
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.words import stem_of, words_of
from customer_export.model.catalogue import CatalogueTable

FEWEST_ROWS = 20  # that must lead each to a row of its own, where names say nothing
SHARED_BY_NAME = 0.5  # the least part of different values where the name says that rows describe one customer
PERSONAL_COLUMNS = 3  # a street, a town and a telephone number make a table personal; a country has none of them


def describes(edge: Edge, table: CatalogueTable, other: CatalogueTable, evidence: Evidence) -> bool:
    """Whether a row of `other` describes the one row of `table` that leads to it, going by keys, names and data."""
    stem = stem_of(other.name.name)
    if other.is_view or is_hub(other.name) or vocabulary.STAFF.said_in(stem) or _is_handled(edge):
        return False
    rows, distinct = _spread(edge, table, evidence)
    if is_unique(table, edge.columns):
        return True
    if vocabulary.DESCRIBERS.names(stem) or vocabulary.DESCRIBERS.said_in(stem[-1:]):
        is_account = vocabulary.PEOPLE.names(stem[-1:]) and not is_address(other.name)
        least = 1.0 if is_account else SHARED_BY_NAME
        return distinct >= least * rows if rows else not is_account
    return rows >= FEWEST_ROWS and distinct == rows and (_personal(other) >= PERSONAL_COLUMNS or _is_single(edge))


def _is_handled(edge: Edge) -> bool:
    words = edge.words
    return any(terms.said_in(words) for terms in (vocabulary.HANDLERS, vocabulary.MAKERS, vocabulary.STAFF))


def _spread(edge: Edge, table: CatalogueTable, evidence: Evidence) -> tuple[int, int]:
    """Count the rows of a sample that lead somewhere, and the different rows that they lead to."""
    columns = [evidence.column(table.name, column) for column in edge.columns]
    rows = [row for row in zip(*columns, strict=False) if None not in row]
    return len(rows), len(set(rows))


def _personal(table: CatalogueTable) -> int:
    names = [words_of(column.name) for column in table.columns]
    terms = (vocabulary.EMAIL, vocabulary.PHONE, vocabulary.CONTACT, vocabulary.IDENTITY)
    return sum(any(one.said_in(words) for one in terms) for words in names)


def _is_single(edge: Edge) -> bool:
    """Whether what is led to has to do with one purchase: a payment, a delivery."""
    stem = stem_of(edge.target.name)
    return any(terms.said_in(stem) for terms in (vocabulary.PAYMENTS, vocabulary.ORDERS, vocabulary.DELIVERIES))
