"""A section's own SELECT: held to be one statement that only reads, and made ready to stand as a table.

sqlglot reads it by the rules of the database, so that no text, comment, cast or time of day is taken for a parameter.
It is loaded when a map has a query, since that takes a tenth of a second.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from customer_export.model.customer_map import Query, TableName

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

PARAMETER = "customer"
"""What a query calls the customer's key."""

_DIALECTS: Mapping[str, str] = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
"""sqlglot's name for the SQL of each database, by the name that SQLAlchemy gives the database."""

_VIEW = "or make a view of it and name that as `table`"
_WORD = re.compile(r"[^\W\d]\w*")
_RUN_BY_MYSQL = ("!", "M!")  # comments that begin so are statements to MySQL and MariaDB


class QueryError(Exception):
    """What is wrong with a query and what to change, as the end of a sentence about `sql`."""


def query_of(sql: str) -> Query:
    """Make a query that is right by the SQL of one of the databases at least. Raises QueryError."""
    problems: list[QueryError] = []
    for database in _DIALECTS:
        try:
            read_query(Query(sql), database)
        except QueryError as problem:
            problems.append(problem)
        else:
            return Query(sql, reads=tables_of(sql, database), columns=columns_of(sql, database))
    raise next((problem for problem in problems if "cannot be read" not in str(problem)), problems[0])


def read_query(query: Query, database: str, *, key: str = f":{PARAMETER}") -> str:
    """Give the query as a text for SQLAlchemy's `text`, with `key` in the place of `:customer`.

    Raises QueryError unless the query is one statement that only reads, and reads one customer.
    """
    from sqlglot.errors import SqlglotError  # noqa: PLC0415  (see above)

    sql = query.sql
    try:
        tokens = _dialect(database).tokenize(sql)
        statements = _statements(sql, database)
    except (SqlglotError, RecursionError) as failure:
        raise QueryError(f"cannot be read as SQL ({_reason(failure)}); correct it, {_VIEW}") from failure
    _only_reads(statements)
    if any(comment.startswith(_RUN_BY_MYSQL) for token in tokens for comment in token.comments):
        raise QueryError("has a comment that MySQL would run (/*! … */); take it out")
    places = list(_parameters(sql, tokens, statements[0], database))
    if not places:
        raise QueryError(
            "has no :customer, so it would export the rows of every customer; compare with it: … = :customer"
        )
    end = max(token.end for token in tokens if sql[token.start] != ";") + 1
    return _escaped(sql[:end], places, key)


def tables_of(sql: str, database: str) -> frozenset[TableName]:
    """Name the tables and views that a right query reads, as it spells them; what functions read is not among them."""
    from sqlglot import exp  # noqa: PLC0415
    from sqlglot.optimizer.scope import traverse_scope  # noqa: PLC0415

    (statement,) = _statements(sql, database)
    tables = (source for scope in traverse_scope(statement) for source in scope.sources.values())
    return frozenset(
        TableName(table.db or None, table.name)
        for table in tables
        if isinstance(table, exp.Table) and isinstance(table.this, exp.Identifier)
    )


def columns_of(sql: str, database: str) -> frozenset[str] | None:
    """Name the columns that a right query reads of any table, in lower case; None where a `*` takes them all."""
    from sqlglot import exp  # noqa: PLC0415

    (statement,) = _statements(sql, database)
    if any(select.is_star for select in statement.find_all(exp.Select)):
        return None
    return frozenset(column.name.lower() for column in statement.find_all(exp.Column))


def _dialect(database: str) -> Any:
    from sqlglot.dialects.dialect import Dialect  # noqa: PLC0415

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it cannot read is told by us
    return Dialect.get_or_raise(_DIALECTS[database])


def _statements(sql: str, database: str) -> "list[exp.Expression]":
    from sqlglot import exp  # noqa: PLC0415

    parsed = _dialect(database).parse(sql)
    return [one for one in parsed if one is not None and not isinstance(one, exp.Semicolon)]


def _reason(failure: Exception) -> str:
    """Give the first line of what sqlglot says, without the end of its sentence."""
    return str(failure).partition("\n")[0].rstrip(". ")


def _only_reads(statements: "list[exp.Expression]") -> None:
    from sqlglot import exp  # noqa: PLC0415

    if len(statements) != 1:
        raise QueryError(f"has {len(statements)} statements; leave one SELECT")
    statement = statements[0]
    writes = statement.find(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop)
    if writes is not None:
        raise QueryError(f"writes ({writes.key.upper()}); leave one SELECT that only reads")
    if not isinstance(statement, exp.Query) or statement.find(exp.Command):
        raise QueryError("is no SELECT; write one")
    if statement.find(exp.Into):
        raise QueryError("writes (SELECT … INTO); take the INTO out")
    if statement.find(exp.Lock):
        raise QueryError("locks rows (FOR UPDATE or FOR SHARE); take the lock out: the snapshot needs none")


def _parameters(
    sql: str, tokens: "list[Token]", statement: "exp.Expression", database: str
) -> Iterator[tuple[int, int]]:
    """Give where each `:customer` begins and ends. Raises QueryError for any other parameter."""
    from sqlglot import exp  # noqa: PLC0415

    for one in statement.find_all(exp.Placeholder, exp.Parameter):
        if isinstance(one, exp.Parameter):
            raise _other(f"{'$' if one.name.isdigit() else '@'}{one.name}")
        if one.name != PARAMETER:
            raise _other("?" if one.name in {"", "?"} else f":{one.name}")
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if database == "sqlite" and sql[token.start] == "$":  # a name to sqlglot
            raise _other(sql[token.start : token.end + 1])
        if sql[token.start : token.end + 1] != ":" or following is None or following.start != token.end + 1:
            continue
        word = sql[following.start : following.end + 1]
        if word == PARAMETER:
            yield token.start, following.end + 1
        elif _WORD.fullmatch(word):
            raise _other(f":{word}")


def _other(mark: str) -> QueryError:
    return QueryError(f"has the parameter {mark}; the only one there is is :customer (a slice needs a blank: [1: n])")


def _escaped(sql: str, places: list[tuple[int, int]], key: str) -> str:
    r"""Hide every colon from SQLAlchemy's `text` but those of the parameter: `\:` is a colon there."""
    parts: list[str] = []
    done = 0
    for start, end in places:
        parts += [sql[done:start].replace(":", r"\:"), f" {key} "]
        done = end
    return "".join([*parts, sql[done:].replace(":", r"\:")])
