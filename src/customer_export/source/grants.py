"""The rights that a role needs to export by a map and no others, in the words of each database."""

from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from customer_export.model.customer_map import TableName

_ANYWHERE = "'%'"  # of MySQL: from any host; the network's rules and the password hold the others off


def grant_statements(
    connection: sa.Connection, needed: Mapping[TableName, Iterable[str]], *, role: str
) -> Iterator[str]:
    """Give the statements that make the role and grant it the columns of each table, and nothing else.

    What an earlier version of the map needed is taken back.
    """
    match connection.dialect.name:
        case "postgresql":
            yield from _postgresql(connection, needed, role)
        case "sqlite":
            yield "-- SQLite has no roles: the rights of its file decide. Let the process read it and not write it; in"
            yield "-- WAL mode let it read the files beside it, too: -wal and -shm. They are opened read-only."
        case _:
            yield from _mysql(connection, needed, role)


def _postgresql(connection: sa.Connection, needed: Mapping[TableName, Iterable[str]], role: str) -> Iterator[str]:
    quote = connection.dialect.identifier_preparer.quote
    own = sa.inspect(connection).default_schema_name or "public"
    database = str(connection.execute(sa.text("SELECT current_database()")).scalar_one())
    yield f"CREATE ROLE {quote(role)} LOGIN;"
    yield f"ALTER ROLE {quote(role)} SET default_transaction_read_only = on;"
    yield f"GRANT CONNECT ON DATABASE {quote(database)} TO {quote(role)};"
    for schema in dict.fromkeys(table.schema or own for table in needed):
        yield f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(role)};"
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {quote(schema)} FROM {quote(role)};"
    for table, columns in needed.items():
        named = ", ".join(map(quote, columns))
        yield f"GRANT SELECT ({named}) ON {quote(table.schema or own)}.{quote(table.name)} TO {quote(role)};"
    yield f"-- then give it a password: \\password {quote(role)}"


def _mysql(connection: sa.Connection, needed: Mapping[TableName, Iterable[str]], role: str) -> Iterator[str]:
    """Grant REFERENCES, too: by it a role sees which tables and columns there are, and no row of them.

    Without it neither coverage nor a hidden column could be told from what is not there.
    """
    quote = connection.dialect.identifier_preparer.quote
    own = str(connection.execute(sa.text("SELECT DATABASE()")).scalar_one())
    user = f"{quote(role)}@{_ANYWHERE}"
    yield f"CREATE USER IF NOT EXISTS {user} ACCOUNT LOCK;"
    yield f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {user};"
    for table, columns in needed.items():
        named = ", ".join(map(quote, columns))
        yield f"GRANT SELECT ({named}) ON {quote(table.schema or own)}.{quote(table.name)} TO {user};"
    for schema in dict.fromkeys(table.schema or own for table in needed):
        yield f"GRANT REFERENCES ON {quote(schema)}.* TO {user};"
    yield f"-- then give it a password: ALTER USER {user} IDENTIFIED BY '…' ACCOUNT UNLOCK;"


_MYSQL_RIGHTS = sa.text("""
SELECT EXISTS (SELECT 1 FROM information_schema.user_privileges WHERE privilege_type <> 'USAGE')
    OR EXISTS (SELECT 1 FROM information_schema.schema_privileges WHERE DATABASE() LIKE table_schema)
""")


def sees_all(connection: sa.Connection) -> bool:
    """Whether the role sees every table of the database: MySQL and MariaDB hide those without a right on them."""
    if connection.dialect.name not in {"mysql", "mariadb"}:
        return True
    return bool(connection.execute(_MYSQL_RIGHTS).scalar_one())
