"""The time of a section, which `from` and `to` filter by, and the order of its rows."""

from collections.abc import Iterator, Mapping

from customer_export.mapping.column_types import TypeGuess, guess_type
from customer_export.mapping.edges import Edge, is_unique
from customer_export.mapping.lookups import Lookups
from customer_export.mapping.personal_data import topic_of
from customer_export.mapping.section_plan import SectionPlan, Workshop
from customer_export.mapping.times import time_of
from customer_export.model.catalogue import CatalogueTable, Kind
from customer_export.model.columns import PersonalDataClass, SourceColumn

_TIMELESS = frozenset({PersonalDataClass.IDENTITY, PersonalDataClass.CONTACT, PersonalDataClass.CONSENT})
"""What tables that hold in any period are about: who somebody is, where they live, what they agreed to."""

_MAY_BE_TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TEXT, Kind.INTEGER, Kind.OTHER})


def time_and_path(
    plan: SectionPlan, guesses: Mapping[str, TypeGuess], lookups: Lookups, workshop: Workshop
) -> tuple[SourceColumn | None, tuple[Edge, ...]]:
    """Give the time of a section, and the path to it if it is another row's; that row's look-up is made."""
    table = plan.table
    if plan.timeless or topic_of(table.name, of_people=workshop.is_of_people(table.name)) in _TIMELESS:
        return None, ()
    own = time_of(table, guesses)
    if own is not None:
        return SourceColumn(None, own), ()
    for edge in plan.parents:
        parent = workshop.catalogue.tables[edge.target]
        time = None if not is_unique(parent, edge.to) else _time_of_parent(parent, workshop)
        if time is not None:
            lookup = lookups.along((edge,))
            return (None, ()) if lookup is None else (SourceColumn(lookup, time), (edge,))
    return None, ()


def _time_of_parent(parent: CatalogueTable, workshop: Workshop) -> str | None:
    if topic_of(parent.name, of_people=False) in _TIMELESS:
        return None
    guesses = {
        column.name: guess_type(column, workshop.evidence.values(parent.name, column.name), is_reference=False)
        for column in parent.columns
        if column.kind in _MAY_BE_TIMES
    }
    time = time_of(parent, guesses)
    return time if time is not None and guesses[time].stored_as is None else None


def best_key(table: CatalogueTable) -> tuple[str, ...]:
    """Give the columns that tell rows apart; empty if the database knows none."""
    return table.primary_key or next(iter(table.unique_keys), ())


def order_of(table: CatalogueTable, time: SourceColumn | None, timed_by: tuple[Edge, ...]) -> tuple[SourceColumn, ...]:
    """Sort by the time, by what that is another row's by, and by the key."""
    key = tuple(SourceColumn(None, column) for column in best_key(table))
    if time is None:
        return key
    return tuple(dict.fromkeys([time, *(SourceColumn(None, one) for edge in timed_by for one in edge.columns), *key]))


def key_notes(table: CatalogueTable) -> Iterator[str]:
    """Say what it means that a table has no key."""
    if not best_key(table):
        what = "view" if table.is_view else "table"
        yield (
            f"the database knows no key of this {what}, so rows are sorted by every column; "
            "if some columns are unique together, say unique = […]"
        )
