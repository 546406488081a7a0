"""A database as it describes itself: tables and views, columns, keys and indexes. What maps are written and held by."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from customer_export.model.customer_map import TableName


@unique
class Kind(StrEnum):
    """What a stored type is for, the same words for every database; `OTHER` is exported as the server's own text."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    UUID = "uuid"
    JSON = "json"
    BINARY = "binary"
    ENUM = "enum"
    ARRAY = "array"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueColumn:
    """A column. `type` is the server's own spelling, such as `numeric(12,2)`; `comment` is the database's."""

    name: str
    type: str
    kind: Kind
    nullable: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """`columns` of the table that has it equal `to` of `table`."""

    columns: tuple[str, ...]
    table: TableName
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueTable:
    """A table or view. `primary_key` is empty if there is none.

    `unique_keys` (the primary key among them) have no nullable column and no condition; `indexes` are the columns of
    each index in its order, keys included, as far as they are plain columns.
    """

    name: TableName
    is_view: bool
    columns: tuple[CatalogueColumn, ...]
    primary_key: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    foreign_keys: tuple[ForeignKey, ...]
    indexes: tuple[tuple[str, ...], ...]
    comment: str | None = None

    def column(self, name: str) -> CatalogueColumn | None:
        """Return the column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All tables and views that the role may see, system tables aside.

    `server` is its product and version. Tables of the schema that the connection finds names in by itself are called
    by their name alone (`TableName(None, "orders")`), others by schema and name.
    """

    server: str
    tables: Mapping[TableName, CatalogueTable]
