"""`customer-export db`: the program's own database."""

import typer

from customer_export.engine.dbos_engine import migrate_engine
from customer_export.settings import read_settings
from customer_export.store.database import is_sqlite, open_database, revision
from customer_export.store.database import upgrade as upgrade_database

app = typer.Typer(no_args_is_help=True)


@app.command("upgrade")
def upgrade() -> None:
    """Bring the database of DATABASE_URL to the newest schema. Safe to repeat; run it once in each deployment."""
    settings = read_settings()
    engine = open_database(settings.database_url)
    try:
        before = revision(engine)
        upgrade_database(engine)
        if not is_sqlite(settings.database_url):
            migrate_engine(settings.database_url)
        typer.echo(f"schema revision {before or 'none'} -> {revision(engine)}", err=True)
    finally:
        engine.dispose()
