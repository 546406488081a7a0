"""The map as a caller may see it: which columns are masked, how, and what goes with them."""

from dataclasses import asdict, replace
from itertools import product

import pytest

from customer_export.errors import TenantRestrictedError
from customer_export.model.access import Principal, Scope
from customer_export.model.columns import PARTIAL_TYPES, ColumnType, Mask, PersonalDataClass, SourceColumn
from customer_export.model.customer_map import CustomerMap, OrdersRole
from customer_export.model.policy import MASKABLE, Masks, Policy, map_for, mask_map
from customer_maps import column, make_map, section

CONTACT, FINANCIAL, IDENTITY = PersonalDataClass.CONTACT, PersonalDataClass.FINANCIAL, PersonalDataClass.IDENTITY
EVERYTHING = dict.fromkeys(MASKABLE, Mask.WITHHOLD)
PARTS = dict.fromkeys(MASKABLE, Mask.PARTIAL)


def masks_of(customer_map: CustomerMap, masks: Masks) -> dict[str, Mask | None]:
    (only,) = mask_map(customer_map, masks).sections
    return {one.name: one.mask for one in only.columns}


@pytest.mark.parametrize(("kind", "personal_data"), list(product(ColumnType, PersonalDataClass)))
def test_every_type_of_every_class_is_masked_unless_it_is_no_personal_data(
    kind: ColumnType, personal_data: PersonalDataClass
) -> None:
    money = {"currency_code": "EUR"} if kind is ColumnType.MONEY else {}
    described = column("it", kind.value, personal_data=personal_data.value, **money)
    customer_map = make_map(section("things", [described]))
    shown = personal_data is PersonalDataClass.NONE
    assert masks_of(customer_map, EVERYTHING) == {"it": None if shown else Mask.WITHHOLD}
    part = Mask.PARTIAL if kind in PARTIAL_TYPES else Mask.WITHHOLD
    assert masks_of(customer_map, PARTS) == {"it": None if shown else part}
    others = {one: Mask.WITHHOLD for one in MASKABLE if one is not personal_data}
    assert masks_of(customer_map, others) == {"it": None}


def test_who_sees_everything_sees_the_very_map() -> None:
    customer_map = make_map(section("things", {"name": "text"}))
    assert mask_map(customer_map, {}) is customer_map


def orders(*columns: dict[str, object], **options: object) -> CustomerMap:
    return make_map(section("orders", list(columns), **options))


CURRENCY = column("currency", personal_data="contact")
TOTAL = column("total", "money", currency="currency", personal_data="financial")


def test_an_amount_goes_with_its_currency_and_a_currency_goes_whole() -> None:
    customer_map = orders(CURRENCY, TOTAL)
    assert masks_of(customer_map, {CONTACT: Mask.PARTIAL}) == {"currency": Mask.WITHHOLD, "total": Mask.WITHHOLD}
    assert masks_of(customer_map, {FINANCIAL: Mask.PARTIAL}) == {"currency": None, "total": Mask.WITHHOLD}


def test_the_orders_lose_the_parts_they_play_where_they_are_masked() -> None:
    placed_at = column("placed_at", "timestamp", personal_data="technical")
    customer_map = replace(
        orders(CURRENCY, TOTAL, placed_at, column("status", personal_data="behaviour")),
        orders=OrdersRole(section="orders", amount="total", time="placed_at", status="status"),
    )
    for masked, gone in (
        ({CONTACT: Mask.PARTIAL}, {"amount"}),
        ({FINANCIAL: Mask.WITHHOLD}, {"amount"}),
        ({PersonalDataClass.TECHNICAL: Mask.WITHHOLD}, {"time"}),
        ({PersonalDataClass.BEHAVIOUR: Mask.PARTIAL}, {"status"}),
    ):
        role = mask_map(customer_map, masked).orders
        assert role is not None
        assert role.section == "orders"
        assert {name for name in ("amount", "time", "status") if getattr(role, name) is None} == gone


@pytest.mark.parametrize(
    ("declared", "filters"),
    [("behaviour", True), ("none", True), ("contact", False), (None, False)],
)
def test_a_masked_time_filters_nothing(declared: str | None, filters: bool) -> None:
    columns = [column("subject")]
    if declared is not None:
        columns.append(column("at", "timestamp", personal_data=declared, hidden=True))
    (masked,) = mask_map(orders(*columns, time="at"), {CONTACT: Mask.WITHHOLD}).sections
    assert masked.time == (SourceColumn(None, "at") if filters else None)


PEOPLE = {"table": "customers", "links": [[{"columns": "id"}]]}


@pytest.mark.parametrize(
    ("sections", "shown"),
    [
        ([section("profile", [column("name", personal_data="contact")], **PEOPLE)], True),
        ([section("profile", [column("name", personal_data="none")], **PEOPLE)], True),
        ([section("profile", [column("name", personal_data="identity")], **PEOPLE)], False),
        ([section("profile", [column("called", source="name", personal_data="identity")], **PEOPLE)], False),
        ([section("profile", [column("x"), column("name", personal_data="identity", hidden=True)], **PEOPLE)], False),
        ([section("profile", [column("email", "email", personal_data="contact")], **PEOPLE)], False),
        (
            [
                section("profile", [column("name", personal_data="none")], **PEOPLE),
                section(
                    "notes",
                    [column("about", source="person.name", personal_data="identity")],
                    lookups=[{"name": "person", "columns": "customer_id", "table": "customers", "to": "id"}],
                ),
            ],
            False,
        ),
        ([section("notes", [column("name", personal_data="none")])], False),  # another table's
    ],
)
def test_a_customer_is_called_by_their_name_only_if_all_know_that_it_may_be_seen(
    sections: list[dict[str, object]], shown: bool
) -> None:
    customer_map = make_map(*sections)
    assert mask_map(customer_map, {IDENTITY: Mask.PARTIAL}).customer.title == (("name",) if shown else ())


def test_whoever_is_held_to_a_tenant_needs_a_map_that_knows_them() -> None:
    customer_map = make_map(section("things", {"name": "text"}))
    held = Principal(name="jane", scopes=frozenset({Scope.ADMIN}), tenant="acme")
    with pytest.raises(TenantRestrictedError, match=r"`tenant` of \[customer\]"):
        map_for(held, customer_map, None)
    knowing = make_map(section("things", {"name": "text"}), tenant="shop")
    assert map_for(held, knowing, None) is knowing
    free = Principal(name="jane", scopes=frozenset({Scope.EXPORT}))
    policy = Policy(version="", seen={}, masks={})
    assert asdict(map_for(free, customer_map, policy)) == asdict(mask_map(customer_map, EVERYTHING))
