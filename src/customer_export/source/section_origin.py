"""Where a section's rows come from: a table or a query of its own, exactly one of them."""

from collections.abc import Iterator

from customer_export.model.customer_map import Relation
from customer_export.source.map_document import SectionPart
from customer_export.source.query import QueryError, query_of

_ORIGINS = ("table", "sql")


def origin_of(part: SectionPart) -> Relation:
    """Give what a section without contradictions selects from."""
    if part.table is not None:
        return part.table
    return query_of(part.sql or "")


def origin_contradictions(part: SectionPart, place: str) -> Iterator[str]:
    """Find what a section has beside its origin and should not, and what it lacks."""
    given = [name for name in _ORIGINS if getattr(part, name) is not None]
    if len(given) != 1:
        has = f"has {' and '.join(given)}" if given else "has no rows to export"
        yield f"{place} {has}; give exactly one of {' and '.join(_ORIGINS)}"
        return
    if part.table is not None and not part.links:
        yield f"{place}.links is missing; add it"
    if part.sql is not None:
        yield from _query_contradictions(part, part.sql, place)


def _query_contradictions(part: SectionPart, sql: str, place: str) -> Iterator[str]:
    if part.links:
        yield f"{place}.links are of a table; remove them: the query says by :customer which rows are the customer's"
    if part.lookups:
        yield f"{place}.lookups are of a table; remove them, and join the tables in the query"
    try:
        query_of(sql)
    except QueryError as problem:
        yield f"{place}.sql {problem}"
