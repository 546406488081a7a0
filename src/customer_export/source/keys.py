"""The keys and indexes of a table, out of what SQLAlchemy reads of its constraints and indexes."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Inspector


def index_options(inspector: Inspector) -> dict[str, bool]:
    """Say how indexes must be asked for: SQLite knows unique constraints by the indexes that it makes of them."""
    return {"include_auto_indexes": True} if inspector.dialect.name == "sqlite" else {}


def unique_keys(
    columns: Sequence[Mapping[str, Any]],
    primary: tuple[str, ...],
    constraints: Sequence[Mapping[str, Any]],
    indexes: Sequence[Mapping[str, Any]],
) -> tuple[tuple[str, ...], ...]:
    """Give the keys that order rows totally: the primary key, and what is unique without a condition or a NULL."""
    nullable = {column["name"] for column in columns if column["nullable"]}
    keys = [tuple(one["column_names"]) for one in constraints]
    keys += [_plain(one) for one in indexes if one["unique"] and not _is_partial(one.get("dialect_options", {}))]
    sound = [key for key in keys if key and not nullable & set(key)]
    return tuple(dict.fromkeys([primary, *sound] if primary else sound))


def indexed_columns(
    primary: tuple[str, ...], constraints: Sequence[Mapping[str, Any]], indexes: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, ...], ...]:
    """Give the columns of each index without a condition, keys included, as far as they are plain columns."""
    keys = [primary, *(tuple(one["column_names"]) for one in constraints)]
    keys += [_plain(one) for one in indexes if not _is_partial(one.get("dialect_options", {}))]
    return tuple(dict.fromkeys(key for key in keys if key))


def _plain(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the columns of an index; none if one of them is an expression."""
    columns = index["column_names"]
    return () if None in columns else tuple(columns)


def _is_partial(options: Mapping[str, object]) -> bool:
    return any(option.endswith("_where") for option in options)
