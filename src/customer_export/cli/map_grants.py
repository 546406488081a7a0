"""`customer-export map grants`: the SQL that makes a role which can export, and nothing else."""

from typing import Annotated

import typer

from customer_export.compose import open_mapped
from customer_export.mapping.coverage.names import needed_columns
from customer_export.settings import read_settings


def grants(
    role: Annotated[str, typer.Option(help="What to call the role.")] = "customer_export",
) -> None:
    """Print the SQL that creates a role and lets it read exactly the columns that the map needs.

    Hidden and excluded columns are not granted, unless a link, an order or a look-up needs them. Run the SQL as the
    owner of the tables, and again when the map has changed; CREATE ROLE then says that the role exists, which does no
    harm. This command itself changes nothing.

    Example: customer-export map grants --role exporter | psql shop
    """
    if not role or not role.isprintable():
        raise typer.BadParameter("a role has a name without control characters", param_hint="--role")
    with open_mapped(read_settings()) as (source, survey):
        source.check()
        needed = needed_columns(source.map, survey.catalogue())
        for statement in survey.grants(needed, role=role):
            typer.echo(statement)
