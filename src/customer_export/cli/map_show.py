"""`customer-export map show`: what an export of a customer would hold."""

import getpass
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated
from uuid import uuid4

import orjson
import typer

from customer_export.cli.terminal import harmless
from customer_export.compose import open_services
from customer_export.export.admission import ExportCall
from customer_export.export.show import SHOW, ShownCustomer, ShownSection, show_customer
from customer_export.model.access import LocalOperator
from customer_export.model.columns import Cell
from customer_export.observability.logs import configure_logging
from customer_export.settings import read_settings

WIDEST_CELL = 36  # characters of a cell that are shown: those of a UUID
NULL = "NULL"


def show(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    rows: Annotated[int, typer.Option(min=0, help="How many of each section's first rows to show.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with whole cells.")] = False,
) -> None:
    """Show what an export of a customer would hold: sections, row counts, first rows, how long each query took.

    Nothing is written, but personal data is read: it is on record in the audit like an export, with the format show.

    Example: customer-export map show 42 --rows 1
    """
    configure_logging(level=logging.ERROR)
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=[("format", SHOW), ("rows", str(rows))],
        credentials=LocalOperator(user=getpass.getuser()),
        client=None,
    )
    with open_services(read_settings()) as services:
        shown = show_customer(services, call, first_rows=rows)
        name = services.source.map.name
    if as_json:
        typer.echo(orjson.dumps(shown.members(), option=orjson.OPT_INDENT_2))
    else:
        typer.echo("\n".join(map(harmless, _lines(shown, name))))


def _lines(shown: ShownCustomer, map_name: str) -> Iterator[str]:
    yield f"{shown.title} ({shown.customer_id}), {map_name} on {shown.server}"
    for section in shown.sections:
        yield ""
        what = "row" if section.rows == 1 else "rows"
        yield f"{section.name}: {section.rows:,} {what}, {section.milliseconds:,.1f} ms"
        yield from (f"  {line}" for line in _table(section))


def _table(section: ShownSection) -> Iterator[str]:
    if not section.first_rows:
        return
    lines = [list(section.columns), *(_cells(section.columns, row) for row in section.first_rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _cells(columns: Sequence[str], row: Mapping[str, Cell]) -> list[str]:
    return [_shortened(row[column]) for column in columns]


def _shortened(cell: Cell) -> str:
    if cell is None:
        return NULL
    return cell if len(cell) <= WIDEST_CELL else f"{cell[: WIDEST_CELL - 1]}…"
