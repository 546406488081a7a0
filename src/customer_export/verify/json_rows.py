"""The rows of JSON and NDJSON, a row a line as we write it. A JSON cell is the text of its value, as it stands."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, Any

import orjson

from customer_export.model.columns import Cell, ColumnType
from customer_export.verify.claims import SectionClaim
from customer_export.verify.rows import BATCH_ROWS, BrokenFileError, Piece, Pieces, read_line

MANIFEST_START = b'"manifest":'
SECTIONS_START = b',"sections":{'
# as texts: Python reads no integer of more than 4,300 digits
_raw = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).raw_decode


def read_json(file: IO[bytes], sections: Sequence[SectionClaim]) -> Pieces:
    """Read a JSON document up to its manifest. Raises BrokenFileError."""
    if not read_line(file).rstrip(b"\n").endswith(SECTIONS_START):
        raise BrokenFileError("the first line is not that of an export")
    for number, section in enumerate(sections):
        last = number == len(sections) - 1
        end = b"]}," if last else b"],"
        start = f'"{section.name}":['.encode()
        line = read_line(file).removesuffix(b"\n")
        if line == start + end:
            continue
        if line != start:
            raise BrokenFileError(f"the section {section.name} does not begin where it should: {line[:60]!r}")
        yield from _json_rows(file, section, end)
    if not read_line(file).startswith(MANIFEST_START):
        raise BrokenFileError("the manifest does not follow the last section: rows were added, or the file is cut")


def _json_rows(file: IO[bytes], section: SectionClaim, end: bytes) -> Pieces:
    lines: list[bytes] = []
    count, done = 0, False
    while not done:
        line = read_line(file)
        count += 1
        if not line.endswith(b"\n"):
            raise cut(section, count - 1)
        if line.endswith(b"}" + end + b"\n"):
            line, done = line[: -1 - len(end)], True
        elif line.endswith(b"},\n"):
            line = line[:-2]
        else:
            raise BrokenFileError(
                f"the line of row {count:,} of {section.name} does not end as one", section=section.name
            )
        lines.append(line)
        if done or len(lines) == BATCH_ROWS:
            yield decode_lines(section, lines, count - len(lines))
            lines = []


def read_ndjson(file: IO[bytes], sections: Sequence[SectionClaim]) -> Pieces:
    """Read NDJSON up to its manifest line. Raises BrokenFileError."""
    if not read_line(file).startswith(b'{"header":'):
        raise BrokenFileError("the first line is not the header of an export")
    waiting = iter(sections)
    section, prefix, lines, count = None, b"", list[bytes](), 0
    for line in iter(partial(read_line, file), b""):
        if section is None or not line.startswith(prefix):
            if section is not None and lines:
                yield decode_lines(section, lines, count - len(lines))
            lines, count = [], 0
            if line.startswith(b'{"manifest":'):
                if file.read(1):
                    raise BrokenFileError("something follows the manifest")
                return
            section, prefix = _next_section(line, waiting)
        if not line.endswith(b"}}\n"):
            raise cut(section, count)
        lines.append(line[len(prefix) : -2])
        count += 1
        if len(lines) == BATCH_ROWS:
            yield decode_lines(section, lines, count - len(lines))
            lines = []
    raise BrokenFileError(
        f"the file has no manifest line: it is cut after row {count:,} of {section.name if section else 'no section'}",
        section=section.name if section else None,
        after_row=count,
    )


def _next_section(line: bytes, waiting: Iterator[SectionClaim]) -> tuple[SectionClaim, bytes]:
    for section in waiting:
        prefix = f'{{"section":"{section.name}","record":'.encode()
        if line.startswith(prefix):
            return section, prefix
    raise BrokenFileError(f"a line is neither of a section that may stand here nor the manifest: {line[:60]!r}")


def cut(section: SectionClaim, after_row: int) -> BrokenFileError:
    """Say that a file ends within a section."""
    return BrokenFileError(f"cut after row {after_row:,} of {section.name}", section=section.name, after_row=after_row)


def decode_lines(section: SectionClaim, lines: Sequence[bytes], before: int) -> Piece:
    """Decode the objects of some rows."""
    names = [column.name for column in section.columns]
    exact = any(column.type is ColumnType.JSON for column in section.columns)
    try:
        if exact:
            rows = [_exact_row(line.decode(), section, names) for line in lines]
        else:
            decoded = orjson.loads(b"[" + b",".join(lines) + b"]")
            if len(decoded) != len(lines) or any(list(row) != names for row in decoded):
                raise ValueError("members are not the columns")  # noqa: TRY301  (one way out for all that is wrong)
            rows = [tuple(map(_cell, row.values())) for row in decoded]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as failure:
        if len(lines) > 1:  # which of them
            for number, line in enumerate(lines):
                decode_lines(section, [line], before + number)
        raise BrokenFileError(
            f"row {before + 1:,} of {section.name} can't be read ({failure})", section=section.name, after_row=before
        ) from failure
    return Piece(section.name, len(rows), list(zip(*rows, strict=True)))


def _exact_row(text: str, section: SectionClaim, names: Sequence[str]) -> tuple[Cell, ...]:
    """Read a row's members one by one, since a JSON cell is the text of its value."""
    cells: list[Cell] = []
    position = 0
    for column, name in zip(section.columns, names, strict=True):
        start = f'{"," if position else "{"}"{name}":'
        if not text.startswith(start, position):
            raise ValueError(f"{name} is not where it should be")
        position += len(start)
        value, end = _raw(text, position)
        raw = text[position:end]
        if column.type is ColumnType.JSON:
            cells.append(None if raw == "null" else raw)
        else:
            cells.append(_cell(value))
        position = end
    if text[position:] != "}":
        raise ValueError("it has more members than columns")
    return tuple(cells)


def _cell(value: Any) -> Cell:
    match value:
        case None | str():
            return value
        case True | False:
            return "true" if value else "false"
        case int():
            return str(value)
        case {"amount": amount, "currency": _} if len(value) == 2 and isinstance(amount, str):  # noqa: PLR2004
            return amount
    raise ValueError(f"no cell is written as {str(value)[:40]}")
