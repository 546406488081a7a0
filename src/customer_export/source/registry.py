"""Which database a URL stands for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from customer_export.errors import ConfigurationError
from customer_export.model.customer_map import CustomerMap
from customer_export.source.interface import Source, Survey
from customer_export.source.mysql.source import MysqlSource, mysql_engine
from customer_export.source.mysql.url import parse_address
from customer_export.source.postgresql.source import PostgresqlSource, postgresql_engine
from customer_export.source.sqlite.source import SqliteSource, sqlite_engine
from customer_export.source.survey import surveying


def open_source(url: str, customer_map: CustomerMap, *, connections: int) -> Source:
    """Make the source for a URL; nothing is connected to yet. Raises ConfigurationError for an unknown one."""
    match _scheme(url):
        case "postgresql" | "postgres":
            return PostgresqlSource(_postgresql_url(url), customer_map, connections=connections)
        case "mysql" | "mariadb":
            return MysqlSource(parse_address(url), customer_map, connections=connections)
        case "sqlite":
            return SqliteSource(_sqlite_path(url), customer_map, connections=connections)
        case scheme:
            raise _unknown(scheme, url)


@contextmanager
def open_survey(url: str, *, statement_limit: timedelta) -> Iterator[Survey]:
    """Look at the database of a URL without a map. Raises ConfigurationError or SourceUnavailableError."""
    match _scheme(url):
        case "postgresql" | "postgres":
            engine = postgresql_engine(_postgresql_url(url), statement_limit=statement_limit)
        case "mysql" | "mariadb":
            engine = mysql_engine(parse_address(url), statement_limit=statement_limit)
        case "sqlite":
            engine = sqlite_engine(_sqlite_path(url), statement_limit=statement_limit)
        case scheme:
            raise _unknown(scheme, url)
    with surveying(engine) as survey:
        yield survey


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.partition("+")[0]
    except ValueError as failure:
        raise ConfigurationError(f"SOURCE_URL is no URL ({failure}); use postgresql://user@host/database") from failure


def _unknown(scheme: str, url: str) -> ConfigurationError:
    return ConfigurationError(
        f"SOURCE_URL begins with {scheme or url[:20]!r}; use postgresql://user@host/database, "
        "mysql://user@host/database, mariadb://user@host/database, sqlite:///relative.db or sqlite:////absolute.db"
    )


def _postgresql_url(url: str) -> str:
    return f"postgresql://{url.partition('://')[2]}"


def _sqlite_path(url: str) -> Path:
    _, _, path = url.partition("://")
    if not path.startswith("/") or path == "/":
        raise ConfigurationError("SOURCE_URL names no file; use sqlite:///relative.db or sqlite:////absolute.db")
    return Path(unquote(path[1:]))
