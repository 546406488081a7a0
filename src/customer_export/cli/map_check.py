"""`customer-export map check`: the guard that keeps a map complete."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer

from customer_export.cli.terminal import harmless
from customer_export.compose import open_mapped
from customer_export.errors import ConfigurationError
from customer_export.export.map_check import check_map
from customer_export.mapping.coverage.record import exclusion_text, with_recorded
from customer_export.model.coverage import Coverage, Standing, TableCoverage
from customer_export.model.customer_map import RecordedSchema, TableName
from customer_export.model.drift import Change, ChangeKind
from customer_export.model.map_check import MapCheck
from customer_export.model.scans import FullScan
from customer_export.settings import read_settings

BLIND = "this role sees only tables that it has rights on; check as another, or grant what map grants prints"
NO_REMEDY = "no single index helps: the database can't follow these links at once, or not through a view"

_SIGNS = {
    ChangeKind.NEW_TABLE: "+",
    ChangeKind.NEW_COLUMN: "+",
    ChangeKind.DROPPED_TABLE: "-",
    ChangeKind.DROPPED_COLUMN: "-",
    ChangeKind.CHANGED_TYPE: "~",
    ChangeKind.NEW_KIND: "+",
}


def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with every table and column.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count, too.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Record in the map file what the database looks like now.")
    ] = False,
) -> None:
    """Say whether the map covers all that reaches the customer, and what has changed in the database since.

    The exit code is 0 if every table and column that reaches the customer is mapped or left out with a reason, nothing
    has drifted, the map fits and says all that answers to data subjects need; else 1. Put it where your migrations are
    tested (docs/map-check.md).

    Example: SOURCE_URL=postgresql://reader@host/shop SOURCE_MAP=map.toml customer-export map check
    """
    settings = read_settings()
    if update and settings.source_map is None:
        raise ConfigurationError("SOURCE_MAP is unset, and the demo shop's own map is not yours to renew; set it")
    with open_mapped(settings) as (source, survey):
        found, recorded = check_map(source, survey)
    if as_json:
        typer.echo(orjson.dumps(found.members(), option=orjson.OPT_INDENT_2))
    else:
        typer.echo(harmless_lines(report_of(found)))
    if update and settings.source_map is not None:
        _renew(settings.source_map, recorded)
        typer.echo(f"{settings.source_map}: {len(recorded)} tables are recorded as they are now", err=True)
    drifted = bool(found.drift) and not update
    if not found.coverage.whole or found.mismatches or found.dsar or drifted or (strict and found.warnings):
        raise typer.Exit(1)


def _renew(path: Path, recorded: RecordedSchema) -> None:
    """Write the file anew and put it in the place of the old one, so that it is never half there."""
    try:
        text = path.read_bytes().decode()
        renewed = with_recorded(text, recorded, file=str(path))
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(renewed.encode())
        Path(part).chmod(path.stat().st_mode)
        Path(part).replace(path)
    except OSError as failure:
        raise ConfigurationError(f"{path} cannot be written ({failure.strerror}); mend its rights") from failure


def harmless_lines(lines: Iterator[str]) -> str:
    """Join lines, each of which can do nothing to a terminal."""
    return "\n".join(map(harmless, lines))


def report_of(found: MapCheck) -> Iterator[str]:
    """Write a check for people, a line at a time: what there is, what is wrong, and what to do about it."""
    yield f"{found.map_name}, version {found.map_version}, on {found.server}"
    yield ""
    yield from _counted(found.coverage)
    yield from _section("Does not fit: no export can be made", found.mismatches)
    yield from _section("Missing for answers to data subjects", found.dsar)
    yield from _section("Uncovered", _uncovered(found.coverage))
    yield from _section("Left out in vain", (*found.coverage.gone, *found.coverage.contradicted))
    yield from _section("Changed since it was recorded", [_changed(change) for change in found.drift or ()])
    yield from _section("Perhaps of a customer", [f"{one.table}: {one.why}" for one in found.coverage.perhaps])
    yield from _section("Not followed", found.coverage.unfollowed)
    yield from _section("Without an index", _without_index(found))
    yield from _section("Without statistics, so that the database can only guess how to read them", found.unanalysed)
    if not found.sees_all:
        yield from _section("Not everything was seen", [BLIND])
    yield ""
    yield from _verdict(found)


def _counted(coverage: Coverage) -> Iterator[str]:
    summary = coverage.summary()
    for standing in Standing:
        tables, columns = summary.tables[standing], summary.columns[standing]
        yield f"{standing:<9} {_many(tables, 'table'):>11} {_many(columns, 'column'):>13}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _section(title: str, lines: Iterator[str] | tuple[str, ...] | list[str]) -> Iterator[str]:
    shown = list(lines)
    if shown:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in shown)


def _uncovered(coverage: Coverage) -> Iterator[str]:
    for table in coverage.uncovered_tables:
        yield f"{table.table} ({_path(table)})"
        if table.columns:
            yield f"    {', '.join(column.name for column in table.columns)}"
    for table in coverage.partly_covered_tables:
        for column in table.of(Standing.UNCOVERED):
            yield f"{table.table}.{column.name} {column.type}".rstrip()


def _path(table: TableCoverage) -> str:
    return " -> ".join(table.path)


def _changed(change: Change) -> str:
    name = str(change.table) if change.column is None else f"{change.table}.{change.column}"
    match change.kind:
        case ChangeKind.CHANGED_TYPE:
            told = f"{change.before} is now {change.after}"
        case ChangeKind.NEW_KIND:
            told = f"{change.kind} {change.after!r}; does it need a link of its own?"
        case _:
            told = f"{change.kind} {change.before or change.after or ''}"
    return f"{_SIGNS[change.kind]} {name}: {told}".rstrip()


def _without_index(found: MapCheck) -> Iterator[str]:
    """Tell each table once, with all sections that read it in full for the same reason."""
    together: dict[tuple[TableName, str | None], list[FullScan]] = {}
    for scan in found.scans:
        together.setdefault((scan.table, scan.remedy), []).append(scan)
    for (table, remedy), scans in together.items():
        yield f"all of {table} ({scans[0].counted}) is read for {', '.join(scan.section for scan in scans)}"
        yield f"    {remedy or NO_REMEDY}"


def _verdict(found: MapCheck) -> Iterator[str]:
    if found.coverage.uncovered_tables or found.coverage.partly_covered_tables:
        yield "Map what is uncovered (docs/map.md), or leave it out on purpose, with the reason:"
        yield ""
        (table, columns), *_ = found.coverage.summary().uncovered
        yield from (f"  {line}" for line in exclusion_text(table, columns).splitlines())
        yield ""
    if found.drift:
        yield "When the map is right again, record the change: customer-export map check --update"
    if found.drift is None:
        yield "Nothing is recorded, so changes of the database can't be told: customer-export map check --update"
    warned = f", {_many(found.warnings, 'warning')}" if found.warnings else ""
    yield f"{'whole' if found.whole else 'not whole'}{warned}"
