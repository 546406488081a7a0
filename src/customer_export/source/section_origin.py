"""Where a section's rows come from: a table, a query of its own or a plug-in, exactly one of them."""

from collections.abc import Iterator, Mapping

from customer_export.model.columns import ColumnType
from customer_export.model.customer_map import Plugin, Relation
from customer_export.source.map_document import SectionPart
from customer_export.source.plugins.installed import PluginMissingError, load_plugin
from customer_export.source.query import QueryError, query_of

_ORIGINS = ("table", "sql", "plugin")
_OF_PLUGINS = ("options", "given")
_NOT_OF_PLUGINS: Mapping[str, str] = {
    "links": "the plug-in knows by the customer's key which rows are theirs",
    "lookups": "the plug-in has to look up itself",
    "order": "the plug-in's rows stay as they come",
    "unique": "the plug-in's rows stay as they come",
}


def origin_of(part: SectionPart) -> Relation | Plugin:
    """Give what a section without contradictions gets its rows from."""
    if part.table is not None:
        return part.table
    if part.sql is not None:
        return query_of(part.sql)
    return Plugin(name=part.plugin or "", given=tuple(part.given), options=part.options)


def origin_contradictions(part: SectionPart, place: str) -> Iterator[str]:
    """Find what a section has beside its origin and should not, and what it lacks."""
    given = [name for name in _ORIGINS if getattr(part, name) is not None]
    if len(given) != 1:
        has = f"has {' and '.join(given)}" if given else "has no rows to export"
        yield f"{place} {has}; give exactly one of {', '.join(_ORIGINS)}"
        return
    if part.plugin is not None:
        yield from _plugin_contradictions(part, part.plugin, place)
        return
    if part.table is not None and not part.links:
        yield f"{place}.links is missing; add it"
    if part.sql is not None:
        yield from _query_contradictions(part, part.sql, place)
    if not part.order:
        yield f"{place}.order is missing; add it"
    for name in _OF_PLUGINS:
        if getattr(part, name):
            yield f"{place}.{name} is of a plug-in; remove it"


def _query_contradictions(part: SectionPart, sql: str, place: str) -> Iterator[str]:
    if part.links:
        yield f"{place}.links are of a table; remove them: the query says by :customer which rows are the customer's"
    if part.lookups:
        yield f"{place}.lookups are of a table; remove them, and join the tables in the query"
    try:
        query_of(sql)
    except QueryError as problem:
        yield f"{place}.sql {problem}"


def _plugin_contradictions(part: SectionPart, name: str, place: str) -> Iterator[str]:
    for key, why in _NOT_OF_PLUGINS.items():
        if getattr(part, key):
            yield f"{place}.{key} is of a table; remove it: {why}"
    for column in part.columns:
        if column.counted_in is not None:
            at = f"{place}.columns[{column.name}].counted_in"
            yield f"{at} is of a table; remove it: a plug-in gives the amount itself"
    times = {
        column.source.name if column.source else column.name
        for column in part.columns
        if column.type in (ColumnType.DATE, ColumnType.TIMESTAMP) and not column.hidden
    }
    if part.time is not None and str(part.time) not in times:
        yield f"{place}.time is {str(part.time)!r}; name a shown column of type date or timestamp"
    try:
        load_plugin(name)
    except PluginMissingError as problem:
        yield f"{place}.plugin {problem}"
