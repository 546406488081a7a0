"""The policy: which scope sees which class of personal data, and what others get in its place.

Pure: a section and masks in, the section as one caller may see it out. The masks are put into the SELECT
(source/masking.py), so that no format ever has what it must not show.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from customer_export.errors import TenantRestrictedError
from customer_export.model.access import Principal, Scope
from customer_export.model.columns import PARTIAL_TYPES, Column, Mask, PersonalDataClass, SourceColumn
from customer_export.model.customer_map import CustomerMap, OrdersRole, Section, TableName

MASKABLE = tuple(one for one in PersonalDataClass if one is not PersonalDataClass.NONE)
"""`none` is no personal data: everybody sees it."""

KEPT_VIEWS = 64  # a map masked in as many ways; an export masks it in 0.4 ms, which is more than all the rest of a hit
FINGERPRINT_DIGITS = 16  # 64 bits of SHA-256, as for the versions of maps

Masks: TypeAlias = Mapping[PersonalDataClass, Mask]
"""What a caller gets of each class that they may not see; a class that is not in it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy. `version` is the first 16 hex digits of the SHA-256 of its text.

    `seen` has the classes that each scope sees; a principal sees those of all their scopes together. `masks` has the
    mask of a class where it is not `withhold`.
    """

    version: str
    seen: Mapping[str, frozenset[PersonalDataClass]]
    masks: Masks


def masks_for(principal: Principal, policy: Policy | None) -> Masks:
    """Say what is masked for a principal: nothing without a policy, and nothing for `unmasked` and `admin`."""
    if policy is None or principal.may(Scope.UNMASKED):
        return {}
    seen = frozenset[PersonalDataClass]().union(*(policy.seen.get(scope, ()) for scope in principal.scopes))
    return {one: policy.masks.get(one, Mask.WITHHOLD) for one in MASKABLE if one not in seen}


def map_for(principal: Principal, customer_map: CustomerMap, policy: Policy | None) -> CustomerMap:
    """Give the map as a principal may see it.

    Raises TenantRestrictedError if they are held to a tenant and the map does not say whose a customer is.
    """
    if principal.tenant is not None and customer_map.customer.tenant is None:
        raise TenantRestrictedError(
            "Your token reaches one tenant's customers only, and the customer map does not say whose a customer is; "
            "ask your administrator to name the column as `tenant` of [customer]"
        )
    masks = masks_for(principal, policy)
    return _kept_view(customer_map, frozenset(masks.items())) if masks else customer_map


@lru_cache(KEPT_VIEWS)
def _kept_view(customer_map: CustomerMap, masks: frozenset[tuple[PersonalDataClass, Mask]]) -> CustomerMap:
    return mask_map(customer_map, dict(masks))


def masking_fingerprint(masks: Masks) -> str:
    """Name what a caller may not see: two callers with the same masks get the same bytes. Empty if it is nothing."""
    if not masks:
        return ""
    listed = "\n".join(sorted(f"{one}={mask}" for one, mask in masks.items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:FINGERPRINT_DIGITS]


def mask_map(customer_map: CustomerMap, masks: Masks) -> CustomerMap:
    """Give the map as a caller with these masks may see it.

    If one of the title's columns is masked, none is left: a customer without them is called by their key, which is what
    the caller asked with.
    """
    if not masks:
        return customer_map
    customer, orders = customer_map.customer, customer_map.orders
    shown = all(_is_shown(_classes_of(customer_map, customer.table, one), masks) for one in customer.title)
    sections = tuple(mask_section(section, masks) for section in customer_map.sections)
    return replace(
        customer_map,
        customer=customer if shown else replace(customer, title=()),
        orders=None if orders is None else orders_left(orders, sections),
        sections=sections,
    )


def mask_section(section: Section, masks: Masks) -> Section:
    """Give a section whose columns say what stands in their place.

    An amount is worth nothing without its currency, and must not be added up with others whose currency nobody sees:
    it goes with its currency, and a currency goes whole. A masked time filters nothing, since the number of rows in a
    period would tell the time.
    """
    by_class = {column.name: _mask_of(column, masks) for column in section.columns}
    times = [column.personal_data for column in section.columns if column.source == section.time]
    return replace(
        section,
        time=section.time if section.time and _is_shown(times, masks) else None,
        columns=mask_columns(section.columns, by_class),
    )


def mask_columns(columns: tuple[Column, ...], masks: Mapping[str, Mask | None]) -> tuple[Column, ...]:
    """Give a section's columns with what stands in their place, by name: an amount goes with its currency."""
    currencies = {column.currency for column in columns if column.currency is not None}
    final = {name: Mask.WITHHOLD if mask and name in currencies else mask for name, mask in masks.items()}
    for column in columns:
        if column.currency is not None and final[column.currency]:
            final[column.name] = Mask.WITHHOLD
    return tuple(_with_mask(column, final[column.name]) for column in columns)


def orders_left(orders: OrdersRole, sections: tuple[Section, ...]) -> OrdersRole | None:
    """Let the orders go without what is masked or gone: no sum is made of withheld amounts, no chart of parts."""
    section = next((one for one in sections if one.name == orders.section), None)
    if section is None:
        return None
    shown = {column.name for column in section.exported_columns if column.mask is None}
    return replace(
        orders,
        amount=orders.amount if orders.amount in shown else None,
        time=orders.time if orders.time in shown else None,
        status=orders.status if orders.status in shown else None,
    )


def _mask_of(column: Column, masks: Masks) -> Mask | None:
    mask = masks.get(column.personal_data)
    return Mask.WITHHOLD if mask is Mask.PARTIAL and column.type not in PARTIAL_TYPES else mask


def _with_mask(column: Column, mask: Mask | None) -> Column:
    return column if mask is None else replace(column, mask=mask)


def _is_shown(classes: list[PersonalDataClass], masks: Masks) -> bool:
    """Whether something of these classes is shown; what no section declares has none, and nobody knows."""
    return bool(classes) and masks.keys().isdisjoint(classes)


def _classes_of(customer_map: CustomerMap, table: TableName, source: str) -> list[PersonalDataClass]:
    return [column.personal_data for column in columns_of(customer_map, table, source)]


def columns_of(customer_map: CustomerMap, table: TableName, source: str) -> list[Column]:
    """Give what sections declare of a column of a table, as their own or looked up."""
    return [
        column
        for section in customer_map.sections
        for column in section.columns
        if column.source in _spellings(section, table, source)
    ]


def _spellings(section: Section, table: TableName, source: str) -> Iterator[SourceColumn]:
    if section.table == table:
        yield SourceColumn(None, source)
    for lookup in section.lookups:
        if lookup.table == table:
            yield SourceColumn(lookup.name, source)
