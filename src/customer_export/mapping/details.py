"""Tables of names and values, of which some rows hold secrets: `session_tokens` beside `first_name`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.words import words_of
from customer_export.model.catalogue import CatalogueTable, Kind
from customer_export.model.customer_map import Link

LEFT_OUT_ROWS = "are left out as secrets"
"""How it is said of rows."""

_NAMES = frozenset({"key", "name", "option", "attribute", "property", "setting", "field"})
_VALUES = frozenset({"value", "val", "data", "content"})
_TEXTS = frozenset({Kind.TEXT, Kind.OTHER, Kind.JSON})
_PLAIN = re.compile(r"[\w.:-]+")
_MORE = vocabulary.Terms("password, passwords, tokens, secrets, application passwords", endings=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRows:
    """The column that names a row, the one with its value, and the names whose values are secrets."""

    name: str
    value: str
    secrets: tuple[str, ...]


def secret_rows(table: CatalogueTable, evidence: Evidence) -> SecretRows | None:
    """Find which rows of a table of names and values hold secrets; None if none do, or it is another kind of table."""
    texts = [column.name for column in table.columns if column.kind in _TEXTS]
    name = next((one for one in texts if words_of(one)[-1:] and words_of(one)[-1] in _NAMES), None)
    value = next((one for one in texts if words_of(one)[-1:] and words_of(one)[-1] in _VALUES), None)
    if name is None or value is None or name == value:
        return None
    secrets = sorted({one for one in evidence.different(table.name, name) if _is_secret(words_of(one))})
    return SecretRows(name=name, value=value, secrets=tuple(secrets)) if secrets else None


def _is_secret(words: tuple[str, ...]) -> bool:
    told = vocabulary.SECRETS.said_in(words) or _MORE.said_in(words)
    return told and not vocabulary.NOT_SECRETS.said_in(words[-1:]) and not vocabulary.ABOUT_SECRETS.said_in(words)


def query_without(
    found: SecretRows, table: CatalogueTable, links: Sequence[Link], columns: Sequence[str], *, key: str, server: str
) -> str | None:
    """Write the SELECT of a customer's rows but for the secret ones; None where the links need more than a SELECT.

    The names of secret rows stand in it as they were read, so those that would need escaping are none of it.
    """
    direct = [step for step, *rest in links if not rest and step.to == (key,)]
    direct = [step for step in direct if not (step.only_if_null or step.only_if_zero or step.only_if)]
    if len(direct) < len(links) or not all(_PLAIN.fullmatch(one) for one in found.secrets):
        return None
    own = " OR ".join(f"{_quoted(step.columns[0], server)} = :customer" for step in direct)
    named = ", ".join(f"'{one}'" for one in found.secrets)
    return (
        f"SELECT {', '.join(_quoted(one, server) for one in columns)}\nFROM {_quoted_table(table, server)}\n"
        f"WHERE ({own}) AND COALESCE({_quoted(found.name, server)}, '') NOT IN ({named})"
    )


def _quoted_table(table: CatalogueTable, server: str) -> str:
    parts = [part for part in (table.name.schema, table.name.name) if part is not None]
    return ".".join(_quoted(part, server) for part in parts)


def _quoted(name: str, server: str) -> str:
    sign = "`" if server.startswith(("MySQL", "MariaDB")) else '"'
    return f"{sign}{name.replace(sign, sign * 2)}{sign}"
