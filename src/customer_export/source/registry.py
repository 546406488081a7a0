"""Which database a URL stands for."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from customer_export.errors import ConfigurationError
from customer_export.model.customer_map import CustomerMap
from customer_export.source.interface import Source
from customer_export.source.postgresql import PostgresqlSource
from customer_export.source.sqlite import SqliteSource


def open_source(url: str, customer_map: CustomerMap, *, connections: int) -> Source:
    """Make the source for a URL; nothing is connected to yet. Raises ConfigurationError for an unknown one."""
    try:
        scheme = urlsplit(url).scheme.partition("+")[0]
    except ValueError as failure:
        raise ConfigurationError(f"SOURCE_URL is no URL ({failure}); use postgresql://user@host/database") from failure
    match scheme:
        case "postgresql" | "postgres":
            _, _, rest = url.partition("://")
            return PostgresqlSource(f"postgresql://{rest}", customer_map, connections=connections)
        case "sqlite":
            return SqliteSource(_sqlite_path(url), customer_map, connections=connections)
        case _:
            raise ConfigurationError(
                f"SOURCE_URL begins with {scheme or url[:20]!r}; use postgresql://user@host/database or "
                "sqlite:///relative.db or sqlite:////absolute.db"
            )


def _sqlite_path(url: str) -> Path:
    _, _, path = url.partition("://")
    if not path.startswith("/") or path == "/":
        raise ConfigurationError("SOURCE_URL names no file; use sqlite:///relative.db or sqlite:////absolute.db")
    return Path(unquote(path[1:]))
