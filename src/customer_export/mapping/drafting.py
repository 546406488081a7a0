"""Draft a whole map: from a catalogue, a customer table and a look into the data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from customer_export.mapping import vocabulary
from customer_export.mapping.customer_table import key_type_of
from customer_export.mapping.draft import Draft, DraftSection, Proposal
from customer_export.mapping.evidence import Evidence, Sampler
from customer_export.mapping.inferred import Suspicion
from customer_export.mapping.natural import find_natural_links
from customer_export.mapping.orders import orders_role
from customer_export.mapping.reach import reach_from
from customer_export.mapping.reach_links import Reached
from customer_export.mapping.section_plan import PROFILE, SectionPlan, Workshop
from customer_export.mapping.sections import make_section
from customer_export.mapping.words import words_of
from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.coverage import Coverage
from customer_export.model.customer_map import Customer, Exclusion, LinkStep, TableName
from customer_export.model.evidence import Match

_TITLES = (
    ("first name", "last name"), ("firstname", "lastname"), ("given name", "family name"), ("fname", "lname"),
    ("vorname", "nachname"), ("prenom", "nom"), ("nombre", "apellido"), ("nombre", "apellidos"), ("nome", "cognome"),
    ("voornaam", "achternaam"), ("imie", "nazwisko"), ("full name",), ("display name",), ("name",), ("company name",),
    ("customer name",), ("contact name",), ("company",), ("username",), ("user name",), ("login",), ("email",),
    ("email address",), ("nombre",), ("nom",), ("nome",), ("nickname",),
)  # fmt: skip
"""Columns that people are called by, the best first."""

_MOMENTS = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIME})
"""Kinds that are no name, however they are called: `last_login`."""

MOST_SEARCHED = 4  # columns to find customers by: address, name, telephone, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for: the key customers are known by, the map's name, and whether natural keys count as links."""

    key: str
    name: str
    by_natural_keys: bool
    server_time_zone: str | None


def draft_map(customer: CatalogueTable, catalogue: Catalogue, sampler: Sampler, wishes: Wishes) -> Draft:
    """Write the draft of a map that has everything on a customer, or says why it has not."""
    return _Drafting(customer, catalogue, Evidence(catalogue, sampler), wishes).draft()


def without_shared(draft: Draft, coverage: Coverage) -> Draft:
    """Leave out on purpose what a table joins to the customer's rows and many share: groups, promotions."""
    shared = tuple(
        Exclusion(
            table=one.table,
            columns=(),
            reason=f"many may share it: {one.path[0]} says with which of its rows the customer has to do",
        )
        for one in coverage.uncovered_tables
        if not one.path[0].startswith(f"{one.table}.")
    )
    return replace(draft, excluded=(*draft.excluded, *shared))


def _with_key(customer: CatalogueTable, key: str) -> CatalogueTable:
    """Take the key that was named for one, as links by its name do, though the database may not know it."""
    if (key,) in customer.unique_keys:
        return customer
    return replace(customer, primary_key=customer.primary_key or (key,), unique_keys=(*customer.unique_keys, (key,)))


class _Drafting:
    def __init__(self, customer: CatalogueTable, catalogue: Catalogue, evidence: Evidence, wishes: Wishes) -> None:
        self._customer = customer
        self._catalogue = catalogue
        self._evidence = evidence
        self._wishes = wishes
        known = _with_key(customer, wishes.key)
        keyed = replace(catalogue, tables={**catalogue.tables, known.name: known})
        self._reach = reach_from(known, wishes.key, keyed, evidence)
        self._natural = find_natural_links(customer, wishes.key, catalogue, self._reach, evidence)
        people = {customer.name, *self._reach.one_to_one}
        self._workshop = Workshop(catalogue, evidence, self._reach.edges, key=wishes.key, people=people)
        self._unreadable: list[TableName] = []

    def draft(self) -> Draft:
        sections = tuple(section for plan in self._plans() if (section := self._make(plan)) is not None)
        used = [section for section in sections if not section.proposed]
        return Draft(
            name=self._wishes.name,
            time_zone="UTC",
            time_zone_note=self._time_zone_note(),
            server=self._catalogue.server,
            customer=self._customer_part(),
            customer_notes=tuple(self._customer_notes()),
            orders=orders_role(used),
            sections=sections,
            excluded=tuple(self._exclusions(used)),
            recorded={},
            remarks=tuple(self._reach.remarks),
        )

    def _make(self, plan: SectionPlan) -> DraftSection | None:
        if not self._evidence.is_readable(plan.table.name):
            self._unreadable.append(plan.table.name)
            return None
        return make_section(plan, self._workshop)

    # What is to become a section

    def _plans(self) -> Iterator[SectionPlan]:
        key = self._wishes.key
        own = LinkStep(columns=(key,), table=None, to=(key,))
        yield SectionPlan(table=self._customer, links=((own,),), name=PROFILE, timeless=True)
        yield from self._family()
        for reached in self._reach.tables.values():
            yield self._plan(reached)
        for name, proposals in self._natural.of_others.items():
            yield self._natural_plan(self._catalogue.tables[name], proposals)
        for suspicion, match in self._doubtful():
            yield self._doubtful_plan(suspicion, match)

    def _family(self) -> Iterator[SectionPlan]:
        """Give the rows of the customer table that belong to the customer's own, such as a company's contacts."""
        for edge in self._reach.edges:
            if edge.table != self._customer.name or edge.target != self._customer.name:
                continue
            words = edge.words
            if vocabulary.PARENTS.said_in(words) and not vocabulary.HANDLERS.said_in(words):
                yield SectionPlan(
                    table=self._customer,
                    links=((LinkStep(columns=edge.columns, table=None, to=edge.to),),),
                    name=f"{self._customer.name.name}_by_{edge.columns[-1]}",
                    notes=(
                        "rows of the customer table that belong to the customer's own; delete this if they are others",
                    ),
                    timeless=True,
                )

    def _plan(self, reached: Reached) -> SectionPlan:
        proposals = self._natural.of_reached.get(reached.table.name, ())
        used = tuple(one.link for one in proposals) if self._wishes.by_natural_keys else ()
        return SectionPlan(
            table=reached.table,
            links=(*reached.links, *used),
            parents=tuple(edge for edge in reached.via if not edge.only_if),
            parent=reached.parent,
            notes=(*reached.notes, *_guess_notes(reached), *(one.why for one in proposals if used)),
            proposals=() if used else proposals,
        )

    def _natural_plan(self, table: CatalogueTable, proposals: tuple[Proposal, ...]) -> SectionPlan:
        used = self._wishes.by_natural_keys
        notes = tuple(one.why for one in proposals)
        if not used:
            notes = (
                "nothing but values leads to this table; take the comment signs away if these are the customer's rows",
                *notes,
            )
        return SectionPlan(table=table, links=tuple(one.link for one in proposals), notes=notes, proposed=not used)

    def _doubtful(self) -> Iterator[tuple[Suspicion, Match]]:
        """Give the guesses that hold for some values only, of tables that nothing else leads to."""
        seen = {*self._reach.tables, *self._natural.of_others, self._customer.name, *self._reach.left_out}
        for suspicion, match in self._reach.doubtful:
            if suspicion.table not in seen and suspicion.target == self._customer.name:
                seen.add(suspicion.table)
                yield suspicion, match

    def _doubtful_plan(self, suspicion: Suspicion, match: Match) -> SectionPlan:
        step = LinkStep(columns=suspicion.columns, table=None, to=suspicion.to, only_if=suspicion.only_if)
        return SectionPlan(
            table=self._catalogue.tables[suspicion.table],
            links=((step,),),
            notes=(
                f"only {_found(match)} of {', '.join(suspicion.columns)} are customers; "
                "take the comment signs away if it fits",
            ),
            proposed=True,
        )

    # The head

    def _customer_part(self) -> Customer:
        key = self._wishes.key
        return Customer(
            table=self._customer.name,
            key=key,
            key_type=key_type_of(self._customer, key, self._evidence.values(self._customer.name, key)),
            title=self._title(),
            search=self._search(),
            unique=(key,) not in self._customer.unique_keys,
        )

    def _title(self) -> tuple[str, ...]:
        by_words = {" ".join(words_of(column.name)): column.name for column in self._customer.columns}
        for names in _TITLES:
            if all(name in by_words for name in names):
                return tuple(by_words[name] for name in names)
        return (self._wishes.key,)

    def _search(self) -> tuple[str, ...]:
        found = [
            column.name
            for terms in (vocabulary.EMAIL, vocabulary.NAMES, vocabulary.PHONE)
            for column in self._customer.columns
            if column.kind not in _MOMENTS
            and terms.said_in(words_of(column.name))
            and not vocabulary.NOT_EMAIL.said_in(words_of(column.name))
        ]
        return tuple(dict.fromkeys(found))[:MOST_SEARCHED]

    def _customer_notes(self) -> Iterator[str]:
        if (self._wishes.key,) not in self._customer.unique_keys:
            yield f"the database does not say that {self._wishes.key} is unique; unique = true says it for the database"
        tenants = [
            one.name for one in self._customer.columns if words_of(one.name)[:1] in {("tenant",), ("shop",), ("site",)}
        ]
        if tenants:
            yield f"tenant = {tenants[0]!r} would hold tokens to the customers of one (docs/access.md)"

    def _time_zone_note(self) -> str:
        zone = self._wishes.server_time_zone
        said = (
            "" if zone is None or zone.upper() in {"UTC", "ETC/UTC", "GMT"} else f"; the server itself is set to {zone}"
        )
        return f"of time stamps that are stored without one: a guess{said}"

    # What is left out

    def _exclusions(self, sections: Sequence[DraftSection]) -> Iterator[Exclusion]:
        for section in sections:
            by_reason: dict[str, list[str]] = {}
            for column, reason in section.excluded.items():
                by_reason.setdefault(reason, []).append(column)
            for reason, columns in by_reason.items():
                yield Exclusion(table=section.table, columns=tuple(columns), reason=reason)
        shown = {section.table for section in sections}
        for name in self._unreadable:
            yield Exclusion(
                table=name, columns=(), reason="this role may not read it; grant SELECT and run map init again"
            )
        for name, reason in self._reach.left_out.items():
            if name not in shown:
                yield Exclusion(table=name, columns=(), reason=reason)
        for suspicion, match in self._doubtful():
            reason = f"only {_found(match)} of {', '.join(suspicion.columns)} are customers, so it may lead elsewhere"
            yield Exclusion(table=suspicion.table, columns=(), reason=reason)


def _guess_notes(reached: Reached) -> Iterator[str]:
    for edge in (*reached.own, *reached.via, *reached.described):
        if edge.guess is not None:
            kind = "".join(f" where {column} is {text}" for column, text in edge.only_if)
            columns = f"{', '.join(edge.columns)}{kind}"
            if edge.guess.compared:
                yield f"no foreign key says it: {_found(edge.guess)} of {columns} are in {edge.target}"
            else:
                yield f"no foreign key says it, and there are no values yet: {columns} is called like {edge.target}"


def _found(match: Match) -> str:
    return f"{match.found} of {match.compared} values ({match.share:.0%})"
