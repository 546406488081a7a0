"""Names that are stored once for each language, in a table of their own: `product_variant_translation`."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.edges import Edge, is_unique
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.words import words_of
from customer_export.model.catalogue import CatalogueTable, Kind
from customer_export.model.customer_map import CONDITION_PATTERN

_NAMING_A_LANGUAGE = frozenset({Kind.TEXT, Kind.ENUM, Kind.INTEGER, Kind.OTHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """`edge` leads to the names in one language; `why` says in which, and in which others there are some."""

    edge: Edge
    why: str


def translation_of(edge: Edge, names: CatalogueTable, columns: Iterable[str], evidence: Evidence) -> Translation | None:
    """Lead on to the names in the language that most have, of the rows that an edge leads to.

    `columns` are those of `names` that say whose name it is. None if it is not a table of names, or a row may have two
    in one language.
    """
    to = tuple(columns)
    column = next((one for one in names.columns if _is_language(one.name) and one.kind in _NAMING_A_LANGUAGE), None)
    if column is None or column.name in to:
        return None
    languages = Counter(evidence.many(names.name, column.name))
    if not languages or not (is_unique(names, (*to, column.name)) or evidence.differ(names.name, (*to, column.name))):
        return None
    most = max(languages, key=lambda one: (languages[one], one.startswith("en"), one))
    if re.fullmatch(CONDITION_PATTERN, most) is None:
        return None
    others = ", ".join(sorted(languages.keys() - {most}))
    return Translation(
        edge=Edge(table=edge.table, columns=edge.columns, target=names.name, to=to, only_if=((column.name, most),)),
        why=f"in {most}, the language that most names have; there are {others}, too" if others else f"in {most}",
    )


def _is_language(column: str) -> bool:
    return vocabulary.LANGUAGE.names(words_of(column))
