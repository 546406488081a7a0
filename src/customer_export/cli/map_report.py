"""What `map init` prints: what it found, what it left out, what it proposes, and what to do next."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from customer_export.cli.map_sample import SampledCustomer
from customer_export.mapping.customer_table import Candidate
from customer_export.mapping.details import LEFT_OUT_ROWS
from customer_export.mapping.draft import Draft, DraftSection
from customer_export.mapping.secret_columns import SECRET_REASON
from customer_export.model.customer_map import TableName

LINE_LETTERS = 1_000  # of a line that goes into a file or a pipe


def candidates_text(candidates: Sequence[Candidate]) -> str:
    """List tables that may be the customers', the likeliest first."""
    width = max(len(str(one.table)) for one in candidates)
    return "\n".join(f"  {one.table!s:{width}}  {', '.join(one.reasons)}".rstrip() for one in candidates)


def print_report(draft: Draft, customer: SampledCustomer | None, output: Path, *, url: str, shown_url: str) -> None:
    """Print what was done: to standard output, unless the map itself goes there."""
    to_file = str(output) != "-"
    console = _console(sys.stdout if to_file else sys.stderr)
    console.print(_tree(draft, customer))
    for title, lines in (
        ("Left out as secrets", _secrets(draft)),
        ("Left out", _left_out(draft)),
        ("Proposed as comments in the map", _proposals(draft)),
        ("Guessed: worth a look", _guesses(draft)),
    ):
        listed = list(lines)
        if listed:
            console.print(Text(f"\n{title}", style="bold"))
            for line in listed:
                console.print(Text(f"  {line}"))
    if to_file:
        console.print(Text(f"\nThe map is {output}. Next:", style="bold"))
        for line in _next(customer, output, url=url, shown_url=shown_url):
            console.print(Text(f"  {line}"))


def _console(file: TextIO) -> Console:
    """Make a console that cuts nothing: where nobody looks, lines are as long as they are."""
    if file.isatty():
        return Console(file=file, highlight=False)
    return Console(file=file, highlight=False, width=LINE_LETTERS)


def _tree(draft: Draft, customer: SampledCustomer | None) -> Tree:
    who = "no customers yet" if customer is None else f"rows of customer {customer.id}"
    key = f"{draft.customer.table}.{draft.customer.key}"
    root = Tree(Text(f"{draft.server}, {len(draft.used)} sections, customers by {key}, {who}", style="bold"))
    branches: dict[TableName, Tree] = {}
    for section in draft.used:
        parent = branches.get(section.parent) if section.parent is not None else None
        branch = (parent or root).add(_line(section, draft, customer))
        branches.setdefault(section.table, branch)
    return root


def _line(section: DraftSection, draft: Draft, customer: SampledCustomer | None) -> Text:
    name = section.section.name
    rows = None if customer is None or customer.rows is None else customer.rows.get(name)
    counted = "" if rows is None else f"  {rows:,} {'row' if rows == 1 else 'rows'}"
    table = "" if name == str(section.table) else f" ({section.table})"
    return Text.assemble((name, "cyan"), table, counted, (f"  {_way(section, draft)}", "dim"))


def _way(section: DraftSection, draft: Draft) -> str:
    """Say how a section's rows reach the customer, by the columns that they begin at."""
    if section.sql is not None:
        return "by a SELECT of its own"
    ways = dict.fromkeys(", ".join(link[0].columns) for link in section.section.links)
    if section.table == draft.customer.table and section.section.links[0][0].columns == (draft.customer.key,):
        return "the customer's own row"
    return f"by {' or '.join(ways)}"


def _secrets(draft: Draft) -> Iterator[str]:
    for exclusion in draft.excluded:
        if exclusion.reason.startswith(SECRET_REASON):
            why = exclusion.reason.removeprefix(f"{SECRET_REASON}: ")
            yield f"{exclusion.table}: {', '.join(exclusion.columns)} ({why})"
    for section in draft.used:
        yield from (f"{section.table}: {note}" for note in section.notes if note.endswith(LEFT_OUT_ROWS))


def _left_out(draft: Draft) -> Iterator[str]:
    for exclusion in draft.excluded:
        if not exclusion.reason.startswith(SECRET_REASON):
            columns = f": {', '.join(exclusion.columns)}" if exclusion.columns else ""
            yield f"{exclusion.table}{columns} ({exclusion.reason})"


def _proposals(draft: Draft) -> Iterator[str]:
    for section in draft.sections:
        if section.proposed:
            yield f"{section.table}: {'; '.join(section.notes)}"
        for proposal in section.proposals:
            if len(proposal.link) == 1:
                yield f"{section.table}: {proposal.why}"


def _guesses(draft: Draft) -> Iterator[str]:
    for section in draft.used:
        yield from (f"{section.table}: {note}" for note in section.notes if not note.endswith(LEFT_OUT_ROWS))
        yield from _whys(section)


def _whys(section: DraftSection) -> Iterator[str]:
    by_why: dict[str, list[str]] = {}
    for column in section.columns:
        if column.why is not None:
            by_why.setdefault(column.why, []).append(column.column.name)
    for why, columns in by_why.items():
        yield f"{section.table}: {', '.join(columns)}: {why}"


def _next(customer: SampledCustomer | None, output: Path, *, url: str, shown_url: str) -> Iterator[str]:
    """Give the command that exports the customer who was tried."""
    who = "ID" if customer is None else shlex.quote(customer.id)
    command = (
        f"SOURCE_URL={shlex.quote(shown_url)} SOURCE_MAP={shlex.quote(str(output))} "
        f"customer-export export {who} --format pdf"
    )
    if shown_url != url:
        yield "# with your password in the place of PASSWORD"
    yield command
