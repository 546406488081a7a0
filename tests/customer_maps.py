"""Customer maps for tests, from values instead of a file; they go through the real reader."""

import json
from collections.abc import Mapping, Sequence

from customer_export.model.customer_map import CustomerMap
from customer_export.source.map_file import parse_map


def toml(value: object) -> str:
    """Write a value as inline TOML."""
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(toml, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)  # TOML has no escapes of half a character


def column(name: str, kind: str = "text", **options: object) -> dict[str, object]:
    """Describe a column of a section."""
    return {"name": name, "type": kind, "personal_data": "none", **options}


def section(name: str, columns: Sequence[object] | Mapping[str, str], **options: object) -> dict[str, object]:
    """Describe a section; `columns` may be a mapping of names to types. Linked by `customer_id`, ordered by `id`."""
    if isinstance(columns, Mapping):
        columns = [column(one, kind) for one, kind in columns.items()]
    defaults = {"table": name, "links": [[{"columns": "customer_id"}]], "order": ["id"]}
    return {"name": name, **defaults, **options, "columns": list(columns)}


def make_map(
    *sections: dict[str, object], key_type: str = "integer", time_zone: str = "UTC", **customer: object
) -> CustomerMap:
    """Make a map whose customers are rows of the table `customers`, known by `id`."""
    text = map_text(*sections, key_type=key_type, time_zone=time_zone, **customer)
    return parse_map(text.encode(), file="test.toml")


def map_text(
    *sections: dict[str, object], key_type: str = "integer", time_zone: str = "UTC", **customer: object
) -> str:
    """Write such a map."""
    parts = {
        "map": 1,
        "name": "Test",
        "time_zone": time_zone,
        "customer": {"table": "customers", "key": "id", "key_type": key_type, "title": ["name"], **customer},
        "sections": list(sections),
    }
    return "".join(f"{key} = {toml(value)}\n" for key, value in parts.items())
