"""Look-ups of a section: rows of other tables that name what a row's keys lead to, one row each."""

from collections.abc import Iterable

from customer_export.mapping import vocabulary
from customer_export.mapping.edges import Edge, is_hub, is_unique
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.secret_columns import secret_reason
from customer_export.mapping.translations import Translation, translation_of
from customer_export.mapping.words import map_name, stem_of, words_of
from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.columns import SourceColumn
from customer_export.model.customer_map import Lookup, TableName

MOST_LOOKUPS = 8  # joins of a section; what is joined beyond them is known by its key alone

_TEXTS = frozenset({Kind.TEXT, Kind.ENUM, Kind.OTHER})
_ORDER_NAMES = ("number", "order number", "reference", "code", "invoice number", "name")
_CURRENCY_NAMES = ("code", "iso code", "currency code", "iso", "name")
_SECOND = vocabulary.Terms(
    "category,kategorie,categoria,categorie,country,brand,manufacturer,city,region,artist,genre,product"
)
"""What a look-up's own key is followed to: a product's category, a city's country."""
_ENDINGS = frozenset({"id", "ids", "fk", "no", "nr", "code", "key", "uuid", "pk"})


class Lookups:
    """The look-ups of one section, by what they lead to; each is made once."""

    def __init__(self, catalogue: Catalogue, evidence: Evidence) -> None:
        self._catalogue = catalogue
        self._evidence = evidence
        self._made: dict[tuple[Edge, ...], Lookup] = {}

    def all(self) -> tuple[Lookup, ...]:
        """Give the look-ups in the order in which each finds what it begins at."""
        return tuple(self._made.values())

    def along(self, path: tuple[Edge, ...]) -> str | None:
        """Give the name of the look-up at the end of a path, making those on the way; None if there are enough."""
        before: str | None = None
        for length in range(1, len(path) + 1):
            part = path[:length]
            if part not in self._made:
                edge = part[-1]
                told = (*edge.to, *(column for column, _ in edge.only_if))
                unique = is_unique(self._catalogue.tables[edge.target], told)
                if len(self._made) >= MOST_LOOKUPS or not (unique or edge.only_if):
                    return None
                columns = tuple(SourceColumn(before, column) for column in edge.columns)
                name = map_name(_name(edge), (one.name for one in self._made.values()), fallback="lookup")
                self._made[part] = Lookup(
                    name=name,
                    columns=columns,
                    table=edge.target,
                    to=edge.to,
                    unique=not unique,
                    only_if=edge.only_if,
                )
            before = self._made[part].name
        return before

    def display_of(self, table: TableName) -> str | None:
        """Give the column that names a table's rows; None for people, whose names are not the customer's data."""
        stem = stem_of(table.name)
        described = self._catalogue.tables[table]
        if _is_of_people(described):
            return None
        preferred: tuple[str, ...] = _ORDER_NAMES if vocabulary.ORDERS.said_in(stem) else vocabulary.DISPLAY
        if vocabulary.CURRENCY.said_in(stem):
            preferred = _CURRENCY_NAMES
        for name in preferred:
            for column in described.columns:
                words = words_of(column.name)
                own = words[-len(name.split()) :] == tuple(name.split()) and (
                    len(words) == len(name.split())
                    or set(words[: -len(name.split())]) <= {*stem, *words_of(table.name)}
                )
                fits = column.kind in _TEXTS or (name.endswith("number") and column.kind is Kind.INTEGER)
                if own and fits and self._is_open(described, column.name):
                    return column.name
        return self._sole_text(described)

    def _sole_text(self, table: CatalogueTable) -> str | None:
        """Give the one text that a row has beside keys, contacts and secrets, such as a shipper's CompanyName."""
        keys = {*table.primary_key, *(column for key in table.foreign_keys for column in key.columns)}
        texts = [
            column.name
            for column in table.columns
            if column.kind in _TEXTS and column.name not in keys and not _is_contact(words_of(column.name))
        ]
        return texts[0] if len(texts) == 1 and self._is_open(table, texts[0]) else None

    def _is_open(self, table: CatalogueTable, column: str) -> bool:
        described = table.column(column)
        assert described is not None
        return secret_reason(described, self._evidence.values(table.name, column), is_key=False) is None

    def translation(self, edge: Edge, arriving: Iterable[Edge]) -> Translation | None:
        """Lead on to the names of what an edge leads to, if `arriving` comes from a table that has them by language."""
        for one in arriving:
            if one.to == edge.to and self.display_of(one.table) is not None:
                found = translation_of(edge, self._catalogue.tables[one.table], one.columns, self._evidence)
                if found is not None:
                    return found
        return None

    def second(self, edge: Edge, edges: Iterable[Edge]) -> Edge | None:
        """Give the edge to what a look-up's row belongs to, as a product to its category."""
        if not is_hub(edge.target):
            return None
        return next(
            (
                one
                for one in edges
                if one.table == edge.target != one.target and _SECOND.names(stem_of(one.target.name)[-1:])
            ),
            None,
        )


def _is_of_people(table: CatalogueTable) -> bool:
    """Whether a table's rows are people; tenants are, unless nothing says how to reach one."""
    last = stem_of(table.name.name)[-1:]
    if vocabulary.TENANTS.names(last):
        return any(
            _is_contact(words) or vocabulary.IDENTITY.said_in(words) or vocabulary.PERSON_NAMES.said_in(words)
            for words in (words_of(column.name) for column in table.columns)
        )
    return any(terms.said_in(last) for terms in (vocabulary.PEOPLE, vocabulary.STAFF, vocabulary.CUSTOMERS))


def _is_contact(words: tuple[str, ...]) -> bool:
    return any(one.said_in(words) for one in (vocabulary.EMAIL, vocabulary.PHONE, vocabulary.URL, vocabulary.CONTACT))


def _name(edge: Edge) -> str:
    """Call a look-up as its column, without what says that it is a key."""
    words = list(words_of(edge.columns[-1]))
    while len(words) > 1 and words[-1] in _ENDINGS:
        words.pop()
    while len(words) > 1 and words[0] in _ENDINGS:
        words.pop(0)
    told = [word for word in words if word not in _ENDINGS]
    name = "_".join(words if told else stem_of(edge.target.name))
    return f"{name}_name" if edge.only_if else name
