"""`customer-export map init`: from a database's URL to a map that works."""

import contextlib
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from customer_export.cli.map_report import candidates_text, print_report
from customer_export.cli.map_sample import SampledCustomer, failing_sections, sample_customer
from customer_export.errors import ConfigurationError, CustomerTableError
from customer_export.mapping.coverage.drift import recorded_schema
from customer_export.mapping.coverage.kinds import kinds_of
from customer_export.mapping.coverage.report import coverage_of
from customer_export.mapping.customer_table import find_customer_table, rank_customer_tables, require_key
from customer_export.mapping.draft import Draft
from customer_export.mapping.drafting import Wishes, draft_map, without_shared
from customer_export.mapping.toml_text import map_text
from customer_export.model.catalogue import Catalogue, CatalogueTable
from customer_export.model.customer_map import CustomerMap
from customer_export.source.interface import Survey
from customer_export.source.map_file import parse_map
from customer_export.source.registry import open_source, open_survey

STATEMENT_LIMIT = timedelta(seconds=5)  # for a look into a table: a sample takes milliseconds, or is done without
STANDARD_OUTPUT = Path("-")


def init(
    url: Annotated[str, typer.Argument(envvar="SOURCE_URL", help="The database, as SOURCE_URL will name it.")],
    customer: Annotated[
        str | None, typer.Option(metavar="TABLE", help="The customer table; otherwise likely ones are shown.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; - is standard output.")] = Path(
        "map.toml"
    ),
    key: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What customers are known by; the primary key if not given.")
    ] = None,
    by_email: Annotated[
        bool,
        typer.Option(
            "--by-email", help="Use what matches by e-mail address at once, instead of proposing it in comments."
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a customer map of any database: complete, commented, and tried on a customer.

    Nothing is written to the database, and no password to the file or the screen.

    Example: customer-export map init postgresql://reader@db/shop --customer users
    """
    if output != STANDARD_OUTPUT and output.exists() and not force:
        raise ConfigurationError(f"{output} is there already; choose another --output, or write over it with --force")
    with open_survey(url, statement_limit=STATEMENT_LIMIT) as survey:
        catalogue = survey.catalogue()
        table = _customer_table(catalogue, customer, url)
        wishes = Wishes(
            key=require_key(table, key),
            name=_database_name(url),
            by_natural_keys=by_email,
            server_time_zone=survey.time_zone(),
        )
        draft = _settled(draft_map(table, catalogue, survey, wishes), catalogue, url, survey)
        written = _tried(draft, url, survey)
    _write(written.text, output)
    print_report(written.draft, written.customer, output, url=url, shown_url=_without_password(url))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A map as it is to be written, and a customer that it was tried on; None if there is none."""

    text: str
    draft: Draft
    customer: SampledCustomer | None


def _customer_table(catalogue: Catalogue, asked: str | None, url: str) -> CatalogueTable:
    if not catalogue.tables:
        raise CustomerTableError(
            "The database has no tables that this role may see; check the database's name in the URL, the schema and "
            "the role's rights"
        )
    if asked is not None:
        return find_customer_table(catalogue, asked)
    candidates = rank_customer_tables(catalogue)
    command = f"customer-export map init {_without_password(url)} --customer TABLE"
    if not candidates:
        raise CustomerTableError(f"No table looks like one of customers; say which it is: {command}")
    listed = candidates_text(candidates)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CustomerTableError(f"Which table has the customers? Likely ones:\n{listed}\nSay which: {command}")
    typer.echo(f"Which table has the customers?\n{listed}", err=True)
    chosen = typer.prompt("Its name", default=str(candidates[0].table), err=True)
    return find_customer_table(catalogue, chosen)


def _settled(draft: Draft, catalogue: Catalogue, url: str, survey: Survey) -> Draft:
    """Leave out what many share, and record what the database looks like, both as `map check` will see them."""
    _, first = _text_and_map(draft, url)
    settled = without_shared(draft, coverage_of(first, catalogue))
    _, second = _text_and_map(settled, url)
    kinds = kinds_of(second, catalogue, survey)
    return replace(settled, recorded=recorded_schema(coverage_of(second, catalogue), catalogue, kinds))


def _tried(draft: Draft, url: str, survey: Survey) -> Written:
    """Read the map back, hold it against the database, and count a customer's rows by it.

    A section that the database refuses to count becomes a comment that says so.
    """
    text, customer_map = _text_and_map(draft, url)
    source = open_source(url, customer_map, connections=1)
    try:
        source.check()
        refused = failing_sections(source, draft, survey)
        customer = None if refused else sample_customer(source, draft, survey)
    finally:
        source.close()
    if not refused:
        return Written(text=text, draft=draft, customer=customer)
    sections = tuple(
        replace(one, proposed=True, notes=(*one.notes, f"the database refuses it: {refused[one.section.name]}"))
        if one.section.name in refused
        else one
        for one in draft.sections
    )
    return _tried(replace(draft, sections=sections), url, survey)


def _text_and_map(draft: Draft, url: str) -> tuple[str, CustomerMap]:
    now = datetime.now(UTC)
    head = [
        f"The customer map of {draft.name}: where everything about one customer is.",
        f"Written by customer-export map init on {now:%Y-%m-%d %H:%M} UTC",
        f"from {_without_password(url)} ({draft.server}).",
        "",
        "It works as it is. Comments say what was guessed and why; docs/map.md explains every key.",
        "After a change of the database: customer-export map check.",
        *draft.remarks,
    ]
    text = map_text(draft, head=head)
    return text, parse_map(text.encode(), file="the map")


def _write(text: str, output: Path) -> None:
    if output == STANDARD_OUTPUT:
        typer.echo(text, nl=False)
        return
    part = output.with_name(f".{output.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(output)
    except OSError as failure:
        raise ConfigurationError(
            f"{output} cannot be written ({failure.strerror}); choose another --output"
        ) from failure
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _database_name(url: str) -> str:
    path = unquote(urlsplit(url).path)
    return Path(path).stem or "Customers"


def _without_password(url: str) -> str:
    """Write a URL as it may be shown: with PASSWORD in the place of one, in the authority or among the parameters."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    query = "&".join(
        f"{one.partition('=')[0]}=PASSWORD" if one.lower().startswith(("password=", "sslpassword=")) else one
        for one in parts.query.split("&")
    )
    netloc = f"{name}{':PASSWORD' if colon else ''}{at}{host}"
    shown = f"{parts.scheme}://{netloc}{parts.path}"
    return f"{shown}?{query}" if query else shown
