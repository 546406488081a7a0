"""The recorded part of a map file: written, and put in the place of the one that is there."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence

from customer_export.errors import MapError
from customer_export.model.customer_map import RecordedSchema, RecordedTable, TableName

_RECORDED = re.compile(r"\s*\[\[?\s*recorded\s*[\].]")
_HEADER = re.compile(r"\s*\[\[?\s*[\w\"'-]")
_PADDING = re.compile(r"\s*(#.*)?$")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def recorded_text(recorded: RecordedSchema) -> str:
    """Write what is recorded as TOML, a `[[recorded]]` for each table."""
    return "\n".join(map("".join, (_described(table, described) for table, described in recorded.items())))


def _described(table: TableName, described: RecordedTable) -> Iterator[str]:
    columns = {name: _string(kind) for name, kind in described.columns.items()}
    yield f"[[recorded]]\ntable = {_table(table)}\ncolumns = {_inline(columns)}\n"
    if described.kinds:
        kinds = {name: f"[{', '.join(map(_string, values))}]" for name, values in described.kinds.items()}
        yield f"kinds = {_inline(kinds)}\n"


def exclusion_text(table: TableName, columns: Sequence[str]) -> str:
    """Write an exclusion as TOML, whose reason is still to be given."""
    named = f"columns = [{', '.join(map(_string, columns))}]\n" if columns else ""
    return f'[[exclude]]\ntable = {_table(table)}\n{named}reason = "…"\n'


def _table(table: TableName) -> str:
    parts = [table.name] if table.schema is None else [table.schema, table.name]
    if any("." in part for part in parts):
        return f"[{', '.join(map(_string, parts))}]"
    return _string(".".join(parts))


def _inline(values: Mapping[str, str]) -> str:
    if not values:
        return "{}"
    pairs = (f"{_key(name)} = {value}" for name, value in values.items())
    return f"{{ {', '.join(pairs)} }}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    """Write a basic string: TOML's escapes are JSON's, and DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def with_recorded(text: str, recorded: RecordedSchema, *, file: str) -> str:
    """Put what is recorded in the place of the recorded part, or at the end; every other line stays as it is.

    Raises MapError where the file is written in a way that this cannot keep, such as `recorded = [...]`.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = re.split(r"(?<=\n)(?!$)", text)  # not splitlines, which knows ends of lines that TOML does not
    old = list(_recorded_lines(lines))
    new = recorded_text(recorded).replace("\n", newline)
    kept = [line for number, line in enumerate(lines) if number not in old]
    if old:
        kept.insert(old[0], new)
    else:
        kept += [newline if not lines or lines[-1].endswith("\n") else 2 * newline, new]
    renewed = "".join(kept)
    _require_same(text, renewed, recorded, file=file)
    return renewed


def _recorded_lines(lines: list[str]) -> Iterator[int]:
    """Give the numbers of the lines of recorded tables, without the comments and blanks behind the last of a run."""
    within = False
    padding: list[int] = []
    for number, line in enumerate(lines):
        if _HEADER.match(line):
            within = bool(_RECORDED.match(line))
        if not within:
            padding = []
        elif _PADDING.match(line):
            padding.append(number)
        else:
            yield from (*padding, number)
            padding = []


def _require_same(text: str, renewed: str, recorded: RecordedSchema, *, file: str) -> None:
    before = {**tomllib.loads(text), "recorded": None}
    try:
        after = tomllib.loads(renewed)
    except tomllib.TOMLDecodeError:
        after = {}
    if {**after, "recorded": None} != before or len(after.get("recorded", ())) != len(recorded):
        raise MapError(file, ["its recorded part cannot be found; write each table of it below a line [[recorded]]"])
