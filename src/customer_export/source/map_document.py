"""The customer map as TOML holds it: the schema of the file, before the parts are checked against each other."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from customer_export.model.columns import ColumnType, PersonalDataClass
from customer_export.model.customer_map import KeyType

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63),  # 63: PostgreSQL's longest identifier
    Field(description="Lower-case letters, digits and _, beginning with a letter"),
]
Identifier = Annotated[str, Field(min_length=1, description="A column of the database, spelled as it is there")]
SourceColumn = Annotated[str, Field(min_length=1, description="A column of the section's table, or lookup.column")]
Table = Annotated[str, Field(min_length=1, description='A table or view: "orders" or "sales.orders"')]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Identifiers = Annotated[list[Identifier], BeforeValidator(_as_list), Field(min_length=1)]
SourceColumns = Annotated[list[SourceColumn], BeforeValidator(_as_list), Field(min_length=1)]


class Part(BaseModel):
    """Any table of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnPart(Part):
    """A column of a section."""

    name: Name
    label: str | None = Field(default=None, min_length=1, description="For people; made from the name")
    type: ColumnType
    source: SourceColumn | None = Field(default=None, description="The name, if not given")
    personal_data: PersonalDataClass
    currency: Name | None = Field(default=None, description="The section's column that holds the currency")
    currency_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="The one currency of all rows (ISO 4217)"
    )
    hidden: bool = Field(default=False, description="Known, and never exported")


class LinkStepPart(Part):
    """One step towards the customer: these columns equal `to` of `table` (of the customer, in the last step)."""

    columns: Identifiers
    table: Table | None = None
    to: Identifiers | None = Field(default=None, description="The customer's key, if not given in the last step")
    ignore_case: bool = False
    only_if_null: Annotated[list[Identifier], BeforeValidator(_as_list)] = []


class LookupPart(Part):
    """A row of another table joined in by a unique key."""

    name: Name
    columns: SourceColumns
    table: Table
    to: Identifiers


class SectionPart(Part):
    """A section of the export."""

    name: Name
    label: str | None = Field(default=None, min_length=1, description="For people; made from the name")
    table: Table
    links: Annotated[list[Annotated[list[LinkStepPart], Field(min_length=1)]], Field(min_length=1)]
    lookups: list[LookupPart] = []
    time: SourceColumn | None = Field(default=None, description="What `from` and `to` filter by")
    order: SourceColumns
    columns: Annotated[list[ColumnPart], Field(min_length=1)]


class CustomerPart(Part):
    """The customer table."""

    table: Table
    key: Identifier
    key_type: KeyType
    title: Identifiers
    search: Annotated[list[Identifier], BeforeValidator(_as_list)] = []
    tenant: Identifier | None = Field(default=None, description="Says whose customer it is; tokens can be held to one")


class OrdersPart(Part):
    """Which section plays the orders."""

    section: Name
    amount: Name | None = None
    time: Name | None = None
    status: Name | None = None


class MapPart(Part):
    """The whole file."""

    map: Literal[1] = Field(description="The version of this file's format")
    name: str = Field(min_length=1)
    time_zone: str = Field(default="UTC", description="Zone of time stamps that are stored without one")
    customer: CustomerPart
    orders: OrdersPart | None = None
    sections: Annotated[list[SectionPart], Field(min_length=1)]


def label_of(name: str) -> str:
    """Make a label for people of a name: `order_items` becomes `Order items`."""
    return re.sub(r"_+", " ", name).strip().capitalize()
