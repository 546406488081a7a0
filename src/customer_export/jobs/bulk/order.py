"""What an order means for one caller: their map, and the request that the files of all customers have in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from customer_export.errors import InvalidRequestError
from customer_export.export.asking import ask
from customer_export.export.parameters import any_customer_id, read_customer_id, resolve_request
from customer_export.model.access import Principal
from customer_export.model.bulk import BulkOrder, Comparison, Condition, Layout, Partition, TableFormat
from customer_export.model.columns import Column, ColumnType
from customer_export.model.customer_map import CustomerMap, LinkStep, Section
from customer_export.model.policy import Masks, map_for, masks_for
from customer_export.model.request import ExportFormat, ExportRequest
from customer_export.services import Services
from customer_export.source.many.interface import CustomerChoice, RowCondition

MOST_PART_CUSTOMERS = 50_000
"""Of each customer of a partition some 300 bytes are in memory as long as it is read: 15 MB."""

IDS_EACH = 200
"""Ids that a statement names at most: SQLite takes a condition of 1,000 parts, and plans are made for each."""

PART_CUSTOMERS = {"pdf": 500, "xlsx": 1_000, "zip": 1_000, "csv": 2_000, "json": 2_000, "ndjson": 5_000}
"""Customers a partition: about half a minute of one core, which is what a kill costs at most."""

TABLE_CUSTOMERS = 20_000
"""Customers a partition of tables: 20 orders each make 400,000 rows, near the row groups that Parquet wants."""

_NUMBERS = (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY)
_MOMENTS = (ColumnType.DATE, ColumnType.TIMESTAMP)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstoodOrder:
    """An order that can be carried out. `request` is that of every customer, but for the id.

    `sections` are those asked for, as the caller may see them.
    """

    order: BulkOrder
    principal: Principal
    masks: Masks
    customer_map: CustomerMap
    request: ExportRequest
    sections: tuple[Section, ...]
    conditions: tuple[RowCondition, ...]

    @property
    def part_customers(self) -> int:
        """How many customers a partition should have."""
        if self.order.part_customers is not None:
            return self.order.part_customers
        return TABLE_CUSTOMERS if self.order.layout is Layout.TABLES else PART_CUSTOMERS[self.order.format]

    @property
    def is_encrypted(self) -> bool:
        """Whether files are to be encrypted: then rows do not wait on the disk in plain, either."""
        return self.request.encryption is not None

    @property
    def titled(self) -> bool:
        """Whether customers may be called by their names."""
        return bool(self.customer_map.customer.title)

    def choice(self, partition: Partition | None = None) -> CustomerChoice:
        """Say which customers are meant, or which of them in a partition."""
        conditions, tenant = self.conditions, self.principal.tenant
        if partition is None:
            return CustomerChoice(conditions=conditions, tenant=tenant)
        return CustomerChoice(
            after=partition.after, through=partition.through, ids=partition.ids, conditions=conditions, tenant=tenant
        )


def understand_order(services: Services, order: BulkOrder, *, principal: Principal) -> UnderstoodOrder:
    """Check an order. Raises InvalidRequestError with all that is wrong, or TenantRestrictedError."""
    # tables have no options of their own, so any format will do to read the parameters
    file_format = order.format if order.layout is Layout.FILES else ExportFormat.NDJSON
    asked = ask(services, principal, (("format", file_format), *order.parameters))
    customer_map = asked.customer_map
    # a template's choice of columns is no choice of customers
    filtered = customer_map if asked.template is None else map_for(principal, services.source.map, services.policy)
    problems = [*_contradictions(order), *_wrong_ids(order, customer_map)]
    conditions: list[RowCondition] = []
    for condition in order.customers.conditions:
        try:
            conditions.append(_row_condition(condition, filtered))
        except ValueError as problem:
            problems.append(f"filter: {problem}")
    if problems:
        raise InvalidRequestError(f"Invalid bulk export: {'; '.join(problems)}")
    request = resolve_request(any_customer_id(customer_map), asked)
    return UnderstoodOrder(
        order=order,
        principal=principal,
        masks=masks_for(principal, services.policy),
        customer_map=customer_map,
        request=request,
        sections=tuple(section for section in customer_map.sections if section.name in request.sections),
        conditions=tuple(conditions),
    )


def request_of(understood: UnderstoodOrder, customer_id: str) -> ExportRequest:
    """Give the request of one customer."""
    return replace(understood.request, customer_id=customer_id)


def _contradictions(order: BulkOrder) -> Iterator[str]:
    known: Sequence[str]
    match order.layout:
        case Layout.FILES:
            known = list(ExportFormat)
        case Layout.LINES:
            known = [ExportFormat.NDJSON]
        case Layout.TABLES:
            known = list(TableFormat)
    if order.format not in known:
        yield f"format: is not one of the layout {order.layout}; use {', '.join(known)}"
    if order.layout is not Layout.FILES and any(name == "dsar" for name, _ in order.parameters):
        yield "dsar: an answer is a file of its own, with a covering document; use the layout files"
    if any(name == "format" for name, _ in order.parameters):
        yield "parameters: name the format beside them, not among them"
    if order.since is not None and order.layout is Layout.TABLES:
        yield "since: tables have no digest of each customer; use the layout files or lines"
    if order.part_customers is not None and not 0 < order.part_customers <= MOST_PART_CUSTOMERS:
        yield f"part_customers: is {order.part_customers}; use 1 to {MOST_PART_CUSTOMERS}"


def _wrong_ids(order: BulkOrder, customer_map: CustomerMap) -> Iterator[str]:
    if order.customers.ids is None:
        return
    if order.customers.conditions:
        yield "customers: are given by ids and by a filter; use one of the two"
    for place, one in enumerate(order.customers.ids):
        try:
            read_customer_id(one, customer_map.customer.key_type)
        except InvalidRequestError:
            yield f"customers: the id at place {place + 1} is none of type {customer_map.customer.key_type}"
            return


def _row_condition(condition: Condition, customer_map: CustomerMap) -> RowCondition:
    """Find the column of a condition. Raises ValueError, the end of a sentence, for what cannot be compared."""
    columns = {column.name: column for column in _customer_columns(customer_map)}
    column = columns.get(condition.column)
    if column is None:
        shown = ", ".join(columns) or "there are none"
        raise ValueError(f"{condition.column!r} is no column of the customer table that you may see; use {shown}")
    if not condition.values and condition.comparison is not Comparison.IS_NULL:
        raise ValueError(f"{column.name} {condition.comparison} has no value; give one")
    if condition.values and condition.comparison is Comparison.IS_NULL:
        raise ValueError(f"{column.name} is_null has a value; leave it out")
    _check_comparison(condition, column)
    values = tuple(_canonical_value(column, value) for value in condition.values)
    return RowCondition(column=column, comparison=condition.comparison, values=values)


def _customer_columns(customer_map: CustomerMap) -> Iterator[Column]:
    """Give the columns of the customer's own row that are exported unmasked, whichever section has them."""
    customer = customer_map.customer
    own = (LinkStep(columns=(customer.key,), table=None, to=(customer.key,)),)
    for section in customer_map.sections:
        if section.table == customer.table and section.links == (own,):
            for column in section.exported_columns:
                if column.mask is None and column.source.lookup is None and column.counted_in is None:
                    yield column


def _check_comparison(condition: Condition, column: Column) -> None:
    ordered = condition.comparison in (Comparison.FROM, Comparison.BEFORE)
    if column.type in (ColumnType.JSON, ColumnType.BINARY) and condition.comparison is not Comparison.IS_NULL:
        raise ValueError(f"{column.name} is {column.type}, which is not compared; use is_null")
    if ordered and column.type not in (*_NUMBERS, *_MOMENTS):
        raise ValueError(f"{column.name} is {column.type}, which has no {condition.comparison}; use equals")
    if condition.comparison is Comparison.EQUALS and column.type in _MOMENTS:
        raise ValueError(f"{column.name} is a {column.type}; use from and before")


def _canonical_value(column: Column, value: str) -> str:
    """Give a value as it is compared: numbers without spellings of their own, moments with an offset."""
    try:
        canonical = _canonical(column.type, value)
    except (ValueError, InvalidOperation):
        canonical = None
    if canonical is None:
        raise ValueError(f"{column.name} is compared with {value[:64]!r}, which is no {column.type}")
    return canonical


def _canonical(kind: ColumnType, value: str) -> str | None:
    match kind:
        case ColumnType.INTEGER:
            return str(int(value))
        case ColumnType.DECIMAL | ColumnType.MONEY:
            number = Decimal(value)
            return f"{number:f}" if number.is_finite() else None
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).isoformat()
        case ColumnType.BOOLEAN:
            return value if value in ("true", "false") else None
        case _:
            return value
