"""The customer map as TOML holds it: the schema of the file, before the parts are checked against each other."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from customer_export.model.columns import ColumnType, MoneyUnit, PersonalDataClass, SourceColumn, StoredAs
from customer_export.model.customer_map import CONDITION_PATTERN, KeyType, TableName, WithoutParts
from customer_export.model.disclosure import DsarProfile, Origin, ProtectedClass

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63),  # 63: PostgreSQL's longest identifier
    Field(description="Lower-case letters, digits and _, beginning with a letter"),
]
Identifier = Annotated[str, Field(min_length=1, description="A column of the database, spelled as it is there")]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _parts(value: object) -> Sequence[str] | None:
    """Split `qualifier.name`; a name that has a dot itself is written as a list, alone or behind its qualifier."""
    parts = value.split(".", 1) if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) not in (1, 2):
        return None
    return parts if all(isinstance(one, str) and one for one in parts) else None


def _source(value: object) -> object:
    if (parts := _parts(value)) is None:
        raise PydanticCustomError("source", "is no column; write 'column', 'lookup.column' or ['lookup', 'column']")
    return SourceColumn(parts[0] if len(parts) > 1 else None, parts[-1])


def _table(value: object) -> object:
    if (parts := _parts(value)) is None:
        raise PydanticCustomError("table", "is no table; write 'table', 'schema.table' or ['schema', 'table']")
    return TableName(parts[0] if len(parts) > 1 else None, parts[-1])


Identifiers = Annotated[list[Identifier], BeforeValidator(_as_list), Field(min_length=1)]
Source = Annotated[
    SourceColumn,
    BeforeValidator(_source),
    Field(description="A column of the section's table, or lookup.column"),
]
Conditions = Annotated[
    dict[Identifier, Annotated[str, BeforeValidator(_as_text), StringConstraints(pattern=CONDITION_PATTERN)]],
    Field(description="Columns, and the value that each must have"),
]
Sources = Annotated[list[Source], BeforeValidator(_as_list), Field(min_length=1)]
Told = Annotated[str, StringConstraints(min_length=1, max_length=2000)]  # a third of a page of the covering document
Table = Annotated[TableName, BeforeValidator(_table), Field(description='A table or view: "orders" or "sales.orders"')]


class Part(BaseModel):
    """Any table of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnPart(Part):
    """A column of a section."""

    name: Name
    label: str | None = Field(default=None, min_length=1, description="For people; made from the name")
    type: ColumnType
    source: Source | None = Field(default=None, description="The name, if not given")
    personal_data: PersonalDataClass
    currency: Name | None = Field(default=None, description="The section's column that holds the currency")
    currency_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="The one currency of all rows (ISO 4217)"
    )
    stored_as: StoredAs | None = Field(default=None, description="What the numbers of a date or timestamp count")
    counted_in: MoneyUnit | None = Field(default=None, description="What the whole numbers of an amount count")
    hidden: bool = Field(default=False, description="Known, and never exported")
    origin: Origin | None = Field(default=None, description="Where it comes from; the section's, if not given")
    third_party: bool = Field(default=False, description="It is about somebody else than the customer")
    protected: ProtectedClass | None = Field(default=None, description="What ccpa-know must not send (11 CCR 7024(d))")


class LinkStepPart(Part):
    """One step towards the customer: these columns equal `to` of `table` (of the customer, in the last step)."""

    columns: Identifiers
    table: Table | None = None
    to: Identifiers | None = Field(default=None, description="The customer's key, if not given in the last step")
    ignore_case: bool = False
    only_if_null: Annotated[list[Identifier], BeforeValidator(_as_list)] = []
    only_if_zero: Annotated[list[Identifier], BeforeValidator(_as_list)] = []
    only_if: Conditions = {}


class LookupPart(Part):
    """A row of another table joined in by a unique key."""

    name: Name
    columns: Sources
    table: Table
    to: Identifiers
    unique: bool = Field(default=False, description="`to` is unique, though the database does not say so")
    only_if: Conditions = {}


class SectionPart(Part):
    """A section of the export."""

    name: Name
    label: str | None = Field(default=None, min_length=1, description="For people; made from the name")
    table: Table | None = None
    sql: str | None = Field(default=None, description="A SELECT of its own, with `:customer` for the customer's key")
    plugin: str | None = Field(default=None, min_length=1, description="An installed plug-in that gives the rows")
    options: dict[str, object] = Field(default={}, description="The plug-in's own")
    given: Annotated[list[Identifier], BeforeValidator(_as_list)] = Field(
        default=[], description="Columns of the customer table whose values the plug-in gets"
    )
    links: list[Annotated[list[LinkStepPart], Field(min_length=1)]] = Field(default=[], description="Of a table")
    lookups: list[LookupPart] = []
    time: Source | None = Field(default=None, description="What `from` and `to` filter by")
    order: Sources = Field(default=[], description="Required, but of a plug-in")
    unique: Annotated[list[Identifier], BeforeValidator(_as_list)] = Field(
        default=[], description="Columns that are unique together, though the database does not say so"
    )
    purpose: Told | None = Field(default=None, description="What the data is for")
    recipients: Told | None = Field(default=None, description="Who receives it")
    retention: Told | None = Field(default=None, description="How long it is kept")
    origin: Origin | None = Field(default=None, description="Where it comes from")
    obtained_from: Told | None = Field(default=None, description="Who gave what the customer did not give")
    columns: Annotated[list[ColumnPart], Field(min_length=1)]


class CustomerPart(Part):
    """The customer table."""

    table: Table
    key: Identifier
    key_type: KeyType
    title: Identifiers
    search: Annotated[list[Identifier], BeforeValidator(_as_list)] = []
    tenant: Identifier | None = Field(default=None, description="Says whose customer it is; tokens can be held to one")
    unique: bool = Field(default=False, description="The key is unique, though the database does not say so")


class OrdersPart(Part):
    """Which section plays the orders."""

    section: Name
    amount: Name | None = None
    time: Name | None = None
    status: Name | None = None


class AmountsPart(Part):
    """Amounts that belong together by a key."""

    section: Name
    column: Name
    key: Name


class PartAmountsPart(AmountsPart):
    """Amounts that are added up."""

    subtract: bool = Field(default=False, description="They are taken away from the sum")


class ReconcilePart(Part):
    """What has to add up."""

    name: Name
    total: AmountsPart
    parts: Annotated[list[PartAmountsPart], Field(min_length=1)]
    tolerance: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?$")] = Field(
        default="0", description="How far a sum may be off"
    )
    without_parts: WithoutParts = Field(default=WithoutParts.MISMATCH, description="Of totals that have no parts")


class ExclusionPart(Part):
    """What is known and not exported: a table, or some of its columns."""

    table: Table
    columns: Annotated[list[Identifier], BeforeValidator(_as_list)] = Field(
        default=[], description="The whole table, if not given"
    )
    reason: str = Field(min_length=1, description="Why; it stands in the coverage of every export")


class DsarPart(Part):
    """What answers to data subjects say of whoever gives them."""

    controller: Told
    contact: Told
    authority: Told | None = None
    transfers: Told | None = None
    automated_decisions: Told | None = None
    rights: Told | None = Field(default=None, description="In place of the text that the product has")
    profiles: Annotated[list[DsarProfile], Field(min_length=1)] = Field(default=list(DsarProfile))


class RecordedTablePart(Part):
    """A table as it was when the map was written."""

    table: Table
    columns: dict[str, str] = Field(description="The server's type of each column")
    kinds: dict[str, list[str]] = Field(default={}, description="The values of columns that links go by (only_if)")


class MapPart(Part):
    """The whole file."""

    map: Literal[1] = Field(description="The version of this file's format")
    name: str = Field(min_length=1)
    time_zone: str = Field(default="UTC", description="Zone of time stamps that are stored without one")
    customer: CustomerPart
    orders: OrdersPart | None = None
    sections: Annotated[list[SectionPart], Field(min_length=1)]
    reconcile: list[ReconcilePart] = []
    exclude: list[ExclusionPart] = []
    dsar: DsarPart | None = None
    recorded: list[RecordedTablePart] | None = Field(default=None, description="Written by `map init`, for drift")


def label_of(name: str) -> str:
    """Make a label for people of a name: `order_items` becomes `Order items`."""
    return re.sub(r"_+", " ", name).strip().capitalize()
