"""The command `customer-export`."""

import sys

import typer

from customer_export.cli import (
    audit,
    bulk,
    db,
    demo,
    diff,
    export,
    keys,
    openapi,
    purge,
    schedule,
    serve,
    template,
    token,
    verify,
    worker,
)
from customer_export.cli import map as map_commands
from customer_export.errors import ExportError

app = typer.Typer(
    name="customer-export",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Everything your SQL database holds on a customer, as one file: exact, complete and provably whole.\n\n"
    "Point SOURCE_URL at the database and SOURCE_MAP at its customer map, or try [bold]customer-export demo[/].",
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("export")(export.export)
app.command("bulk")(bulk.bulk)
app.command("verify")(verify.verify)
app.command("diff")(diff.diff)
app.command("purge")(purge.purge)
app.command("openapi")(openapi.openapi)
app.add_typer(map_commands.app, name="map", help="Write the customer map, and keep it complete.")
app.add_typer(schedule.app, name="schedule", help="Submit jobs again and again, by cron in any time zone.")
app.add_typer(template.app, name="template", help="Choose sections, columns, labels and looks once, for everybody.")
app.add_typer(token.app, name="token", help="Create, list and revoke access tokens.")
app.add_typer(audit.app, name="audit", help="List and verify what is on record of every export.")
app.add_typer(keys.app, name="keys", help="List, renew and publish the keys that sign manifests.")
app.add_typer(db.app, name="db", help="Look after the program's own database.")


def main() -> None:
    """Run the command line; a failure that is foreseen is one line on standard error and exit code 1."""
    try:
        app()
    except ExportError as failure:
        typer.echo(f"customer-export: {failure.message} [{failure.code}]", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
