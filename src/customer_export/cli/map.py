"""`customer-export map`: write the customer map, and keep it complete."""

import typer

from customer_export.cli import map_check, map_grants, map_init, map_show

app = typer.Typer(no_args_is_help=True)
app.command("init")(map_init.init)
app.command("check")(map_check.check)
app.command("grants")(map_grants.grants)
app.command("show")(map_show.show)
