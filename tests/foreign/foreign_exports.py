"""Exports of foreign databases through the whole pipeline, counted table by table."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from foreign_database import ForeignDatabase

from customer_export.compose import open_services
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import start_export
from customer_export.model.access import LocalOperator
from customer_export.model.customer_map import TableName
from customer_export.model.request import ExportFormat
from customer_export.services import Services
from customer_export.settings import Settings
from own_databases import new_sqlite_store

# Of which table the rows of a section by SQL are.
TABLES_OF_QUERIES = {
    "details": "wp_usermeta",
    "comments": "wp_comments",
    "comment_details": "wp_commentmeta",
    "topics": "wp_term_relationships",
}


@dataclass(frozen=True)
class Exporter:
    """Exports customers of one database behind one map."""

    services: Services

    def export(self, customer: int, *, format: ExportFormat) -> bytes:  # noqa: A002  # the parameter's name
        """Export a customer as their file's bytes."""
        call = ExportCall(
            export_id=uuid4().hex, customer_id=str(customer), parameters=[("format", format.value)],
            credentials=LocalOperator(user="tester"), client=None,
        )  # fmt: skip
        with ExitStack() as stack:
            started = start_export(self.services, call, cancellation=Cancellation())
            stack.callback(started.close)
            content = b"".join(started.pieces())
            started.finish()
            return content

    def json_rows(self, customer: int) -> Counter[str]:
        """Count the rows of each table in a customer's JSON."""
        document = json.loads(self.export(customer, format=ExportFormat.JSON))
        return self._by_table({name: len(rows) for name, rows in document["sections"].items()})

    def csv_rows(self, customer: int) -> Counter[str]:
        """Count the rows of each table in a customer's CSV, whose first column names the section."""
        text = self.export(customer, format=ExportFormat.CSV).decode()
        records = list(csv.reader(io.StringIO(text, newline="")))
        return self._by_table(Counter(record[0] for record in records[1:]))

    def _by_table(self, rows: "Counter[str] | dict[str, int]") -> Counter[str]:
        counted: Counter[str] = Counter()
        for section in self.services.source.map.sections:
            table = section.table.name if isinstance(section.table, TableName) else TABLES_OF_QUERIES[section.name]
            counted[table] += rows.get(section.name, 0)
        return counted


@contextmanager
def exporting(database: ForeignDatabase, customer_map: Path, *, folder: Path) -> Iterator[Exporter]:
    """Open the services for a database and a map; our own database is in the folder."""
    own = new_sqlite_store(folder / "own.db")
    settings = Settings().model_copy(
        update={"source_url": database.url, "source_map": customer_map, "database_url": own, "redis_url": None}
    )
    with open_services(settings) as services:
        yield Exporter(services)
