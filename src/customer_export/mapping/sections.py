"""Sections: of a table that is reached, its columns with their types, their currency and their look-ups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.column_types import TypeGuess, guess_type
from customer_export.mapping.details import LEFT_OUT_ROWS, query_without, secret_rows
from customer_export.mapping.draft import DraftColumn, DraftSection
from customer_export.mapping.edges import Edge, Role, role_of
from customer_export.mapping.lookups import Lookups
from customer_export.mapping.personal_data import personal_data_of, topic_of
from customer_export.mapping.secret_columns import SECRET_REASON, secret_reason
from customer_export.mapping.section_order import best_key, key_notes, order_of, time_and_path
from customer_export.mapping.section_plan import PROFILE, SectionPlan, Workshop
from customer_export.mapping.words import map_name, stem_of, words_of
from customer_export.model.catalogue import CatalogueColumn
from customer_export.model.columns import Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.customer_map import Query, Section

_UNSORTABLE = frozenset({"json", "xml", "point", "box", "polygon", "circle", "path", "line", "lseg"})
"""Types of PostgreSQL's that it has no order for."""

_DERIVED = {"tsvector": "a search index of other columns"}
"""Types that hold nothing of their own."""

NO_CURRENCY = 'no currency was found; if you know it, say type = "money", currency_code = "…"'


def make_section(plan: SectionPlan, workshop: Workshop) -> DraftSection | None:
    """Make a section; None if nothing of its table may be shown."""
    section = _Making(workshop, plan).section()
    if section is not None:
        workshop.took(section.section.name)
    return section


@dataclass(frozen=True, slots=True, kw_only=True)
class _Money:
    """The currency of a section's amounts: the section's column that holds it, or the one code of all rows."""

    currency: str | None = None
    code: str | None = None
    why: str | None = None


class _Making:
    """The making of one section."""

    def __init__(self, workshop: Workshop, plan: SectionPlan) -> None:
        self._workshop = workshop
        self._plan = plan
        self._table = plan.table
        self._of_people = workshop.is_of_people(plan.table.name)
        self._edges = workshop.leaving(plan.table.name)
        self._references = {column for edge in workshop.all_leaving(plan.table.name) for column in edge.columns}
        if len(plan.table.primary_key) == 1:
            self._references |= set(plan.table.primary_key)
        self._lookups = Lookups(workshop.catalogue, workshop.evidence)
        self._excluded: dict[str, str] = {}
        self._guesses: dict[str, TypeGuess] = {}
        self._columns: dict[str, DraftColumn] = {}
        self._asked_money = False
        self._query: str | None = None
        self._secret_notes: tuple[str, ...] = ()
        self._known_money: _Money | None = None

    def section(self) -> DraftSection | None:
        self._guess_columns()
        self._leave_secret_rows()
        if not self._guesses:
            return None
        names = self._own_names()
        time, timed_by = time_and_path(self._plan, self._guesses, self._lookups, self._workshop)
        order = order_of(self._table, time, timed_by)
        for column in self._table.columns:
            if column.name in self._guesses:
                self._add(column, names)
                self._add_displays(column.name, names)
        name = self._workshop.name_of(self._plan)
        if not best_key(self._table):
            order = tuple(draft.column.source for draft in self._columns.values())
        columns = tuple(self._columns.values())
        if self._query is not None:
            own = tuple(one for one in columns if one.column.source.lookup is None)
            return self._by_query(shown=own, name=name, query=self._query)
        return DraftSection(
            section=Section(
                name=name,
                label=_label(name, self._table.name.name),
                table=self._table.name,
                links=self._plan.links,
                lookups=self._lookups.all(),
                order=order,
                time=time,
                columns=tuple(draft.column for draft in columns),
            ),
            table=self._table.name,
            columns=columns,
            notes=(*self._plan.notes, *key_notes(self._table)),
            proposals=self._plan.proposals,
            excluded=self._excluded,
            parent=self._plan.parent,
            proposed=self._plan.proposed,
        )

    def _by_query(self, *, shown: tuple[DraftColumn, ...], name: str, query: str) -> DraftSection:
        """Make the section of a SELECT, for what no link can say."""
        key = best_key(self._table)
        return DraftSection(
            section=Section(
                name=name,
                label=_label(name, self._table.name.name),
                table=Query(sql=query),
                links=(),
                lookups=(),
                order=tuple(SourceColumn(None, one) for one in key),
                time=None,
                columns=tuple(draft.column for draft in shown),
                unique=key,
            ),
            table=self._table.name,
            columns=shown,
            notes=(*self._plan.notes, *self._secret_notes),
            excluded=self._excluded,
            parent=self._plan.parent,
            proposed=self._plan.proposed,
        )

    # Columns

    def _leave_secret_rows(self) -> None:
        """Leave out rows that hold secrets by a SELECT, or where none can say it, the values of all."""
        found = secret_rows(self._table, self._workshop.evidence)
        if found is None or found.value not in self._guesses:
            return
        named = ", ".join(found.secrets)
        self._query = query_without(
            found,
            self._table,
            self._plan.links,
            list(self._guesses),
            key=self._workshop.key,
            server=self._workshop.catalogue.server,
        )
        if self._query is not None and best_key(self._table) and not self._plan.proposals:
            self._secret_notes = (f"rows whose {found.name} is {named} {LEFT_OUT_ROWS}",)
            return
        self._query = None
        del self._guesses[found.value]
        self._excluded[found.value] = f"{SECRET_REASON}: it is one in the rows whose {found.name} is {named}"

    def _guess_columns(self) -> None:
        for column in self._table.columns:
            values = self._workshop.evidence.values(self._table.name, column.name)
            reason = self._why_not(column, values)
            if reason is not None:
                self._excluded[column.name] = reason
            else:
                reference = column.name in self._references
                self._guesses[column.name] = guess_type(column, values, is_reference=reference)

    def _why_not(self, column: CatalogueColumn, values: Sequence[str]) -> str | None:
        if column.type in _DERIVED:
            return _DERIVED[column.type]
        if not best_key(self._table) and column.type in _UNSORTABLE:
            return f"rows of a table without a key are sorted by every column, and {column.type} has no order"
        return secret_reason(column, values, is_key=column.name in self._references)

    def _own_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for number, column in enumerate(self._table.columns, start=1):
            names[column.name] = map_name(column.name, names.values(), fallback=f"column_{number}")
        return names

    def _add(self, column: CatalogueColumn, names: Mapping[str, str]) -> None:
        guess = self._guesses[column.name]
        name, kind, why = names[column.name], guess.type, guess.why
        money: _Money | None = None
        if guess.is_amount and (kind is ColumnType.DECIMAL or guess.counted_in is not None):
            money = self._money(names)
            kind, why = (ColumnType.MONEY, money.why) if money is not None else (kind, NO_CURRENCY)
        self._put(
            Column(
                name=name,
                label=_label(name, column.name),
                type=kind,
                source=SourceColumn(None, column.name),
                personal_data=self._class_of(column.name, kind),
                currency=None if money is None else money.currency,
                currency_code=None if money is None else money.code,
                stored_as=guess.stored_as,
                counted_in=None if money is None else guess.counted_in,
            ),
            why,
        )

    def _class_of(self, column: str, kind: ColumnType) -> PersonalDataClass:
        if self._plan.name == PROFILE and column == self._workshop.key:
            return PersonalDataClass.IDENTITY
        return personal_data_of(
            column,
            kind,
            self._table.name,
            is_reference=column in self._references,
            of_people=self._of_people,
        )

    def _put(self, column: Column, why: str | None = None) -> None:
        self._columns[column.name] = DraftColumn(column=column, why=why)

    def _add_displays(self, column: str, names: Mapping[str, str]) -> None:
        """Add what names the row that a key leads to, and what that row belongs to."""
        for edge in self._edges:
            if edge.columns[-1] != column or not self._is_nameable(edge):
                continue
            self._add_display((edge,), names)
            second = self._lookups.second(edge, self._workshop.leaving(edge.target))
            if second is not None:
                self._add_display((edge, second), names)
            return

    def _is_nameable(self, edge: Edge) -> bool:
        return role_of(edge, stem_of(edge.target.name)) not in (Role.MAKER, Role.HANDLER)

    def _add_display(self, path: tuple[Edge, ...], names: Mapping[str, str]) -> None:
        display = self._lookups.display_of(path[-1].target)
        if display is not None:
            self._add_look_up(path, display, names)
        if display is None or not vocabulary.CALLED.said_in(words_of(display)):
            found = self._lookups.translation(path[-1], self._workshop.arriving(path[-1].target))
            named = None if found is None else self._lookups.display_of(found.edge.target)
            if found is not None and named is not None:
                self._add_look_up((*path[:-1], found.edge), named, names, why=found.why)

    def _add_look_up(
        self, path: tuple[Edge, ...], display: str, names: Mapping[str, str], *, why: str | None = None
    ) -> None:
        lookup = self._lookups.along(path)
        if lookup is None:
            return
        taken = {*names.values(), *self._columns}
        name = lookup if lookup not in taken else map_name(f"{lookup}_{display}", taken, fallback="lookup")
        values = self._workshop.evidence.values(path[-1].target, display)
        described = self._workshop.catalogue.tables[path[-1].target].column(display)
        assert described is not None
        kind = guess_type(described, values, is_reference=False).type
        self._put(
            Column(
                name=name,
                label=_label(name, name),
                type=kind if kind in (ColumnType.IDENTIFIER, ColumnType.TEXT) else ColumnType.TEXT,
                source=SourceColumn(lookup, display),
                personal_data=self._class_of(lookup, ColumnType.TEXT)
                if lookup not in self._references
                else topic_of(self._table.name, of_people=self._of_people),
            ),
            why,
        )

    # Money

    def _money(self, names: Mapping[str, str]) -> "_Money | None":
        """Say the currency of the section's amounts; a column of another row is added before the first amount."""
        if not self._asked_money:
            self._asked_money = True
            self._known_money = self._find_money(names)
        return self._known_money

    def _find_money(self, names: Mapping[str, str]) -> "_Money | None":
        towards = {step.table for link in self._plan.links for step in link}
        found = self._workshop.currencies.of(self._table.name, self._plan.parents, towards=towards)
        if found is not None and not found.path and found.column in self._guesses:
            return _Money(currency=names[found.column])
        lookup = self._lookups.along(found.path) if found is not None and found.path else None
        if found is not None and lookup is not None:
            source = SourceColumn(lookup, found.column)
            shown = next((one.column.name for one in self._columns.values() if one.column.source == source), None)
            if shown is not None:
                return _Money(currency=shown)
            name = map_name("currency", {*names.values(), *self._columns}, fallback="currency")
            self._put(
                Column(
                    name=name,
                    label=_label(name, name),
                    type=ColumnType.TEXT,
                    source=source,
                    personal_data=PersonalDataClass.NONE,
                )
            )
            return _Money(currency=name)
        fixed = self._workshop.currencies.fixed()
        return None if fixed is None else _Money(code=fixed[0], why=f"the database's one currency, by {fixed[1]}")


def _label(name: str, original: str) -> str:
    """Label as a map does by itself, but where the name has lost letters on its way to ASCII."""
    plain = name.replace("_", " ").strip().capitalize()
    return plain if original.isascii() and any(one.isalpha() for one in original) else original
