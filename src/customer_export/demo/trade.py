"""The demo shop's trade: orders with their items, payments, refunds and shipments."""

from typing import NamedTuple

from customer_export.demo.baskets import IN_THE_SHOP, Basket, draw_baskets
from customer_export.demo.catalogue import Catalogue
from customer_export.demo.clock import DAY, NOW, offset_time, plain_time
from customer_export.demo.dice import Dice
from customer_export.demo.people import Person
from customer_export.demo.rows import Rows

# Whoever orders more often than this orders the same baskets again, which makes 100,000 orders quick to make.
DIFFERENT_BASKETS = 600

# The fate of an order by its number. 7 and 20 have no common factor, so that any twenty orders in a row show
# every fate, in these proportions.
FATES = (*("delivered",) * 17, "refunded", "partially_refunded", "cancelled")
FATE_STRIDE = 7

SETTLED_AFTER = 12 * DAY
"""By then an order has met its fate; younger ones are still on their way."""

METHODS = ("card", "card", "card", "paypal", "invoice", "gift_card")
CARRIERS = ("Parcel Post", "Blue Van", "Fahrradkurier", "黒猫便")
REASONS = ("damaged", "wrong item", "too late", "changed my mind", None)


class Order(NamedTuple):
    """What the tables around an order need to know of it. `placed` is in epoch seconds."""

    id: int
    status: str
    placed: int
    basket: Basket


def add_orders(
    rows: Rows, dice: Dice, catalogue: Catalogue, person: Person, *, count: int, guest: bool = False
) -> None:
    """Add `count` orders, spread evenly from the person's first day to now, with all that belongs to them.

    A guest's orders name no customer, and spell the e-mail address as people do.
    """
    baskets = draw_baskets(
        dice,
        catalogue,
        currencies=person.currencies,
        tax_percent=person.region.tax_percent,
        count=min(count, DIFFERENT_BASKETS),
    )
    for number in range(count):
        placed = person.since + int((number + dice.fraction()) / count * (NOW - person.since))
        order = Order(
            id=rows.next_id("orders"),
            status=_status(number=number, age_seconds=NOW - placed),
            placed=placed,
            basket=baskets[number % len(baskets)],
        )
        email = (str.upper, str.title, str)[number % 3](person.email) if guest else person.email
        _add_order(rows, dice, person, order, customer_id=None if guest else person.id, email=email)
        for item in order.basket.items:
            rows.add("order_items", order.id, *item)
        _add_payment(rows, dice, order)
        _add_refund(rows, dice, order)
        _add_shipment(rows, dice, order)


def _status(*, number: int, age_seconds: int) -> str:
    if age_seconds < DAY:
        return "pending"
    if age_seconds < SETTLED_AFTER // 2:
        return "processing"
    if age_seconds < SETTLED_AFTER:
        return "shipped"
    return FATES[number * FATE_STRIDE % len(FATES)]


def _add_order(rows: Rows, dice: Dice, person: Person, order: Order, *, customer_id: str | None, email: str) -> None:
    basket = order.basket
    placed = plain_time(order.placed)
    rows.add(
        "orders",
        order.id,
        f"{placed[:4]}-{order.id:07d}",
        customer_id,
        email,
        order.status,
        basket.channel,
        placed,
        basket.currency,
        basket.subtotal,
        basket.discount,
        basket.tax,
        basket.shipping,
        basket.total,
        dice.pick(person.region.order_notes) if person.hostile or dice.chance(10) else None,
    )


def _add_payment(rows: Rows, dice: Dice, order: Order) -> None:
    """Add the payment of the total; a pending order has none yet, and a cancelled one's is voided."""
    if order.status == "pending":
        return
    method = dice.pick(METHODS)
    rows.add(
        "payments",
        None,
        order.id,
        method,
        "voided" if order.status == "cancelled" else "captured",
        order.basket.total,
        order.basket.currency,
        dice.digits(4) if method == "card" else None,
        dice.digits(20),
        offset_time(order.placed + 40 + dice.below(600), dice.below(1_000_000)),
    )


def _add_refund(rows: Rows, dice: Dice, order: Order) -> None:
    """Give all back for a refunded order, and half of the goods for one that is refunded in part."""
    if order.status not in {"refunded", "partially_refunded"}:
        return
    basket = order.basket
    rows.add(
        "refunds",
        None,
        order.id,
        basket.total if order.status == "refunded" else basket.half_subtotal,
        basket.currency,
        dice.pick(REASONS),
        offset_time(order.placed + SETTLED_AFTER - DAY - dice.below(2 * DAY)),
    )


def _add_shipment(rows: Rows, dice: Dice, order: Order) -> None:
    """Add the parcel, if there is one by now and the goods were not taken along."""
    if order.basket.channel == IN_THE_SHOP or order.status in {"pending", "processing", "cancelled"}:
        return
    shipped = order.placed + DAY + dice.below(2 * DAY)
    tracking_number = dice.digits(20)
    arrived = shipped + DAY + dice.below(5 * DAY) if order.status != "shipped" else None
    rows.add(
        "shipments",
        None,
        order.id,
        dice.pick(CARRIERS),
        tracking_number,
        f"https://track.example/?n={tracking_number}&lang=en",
        order.basket.weight_kg,
        offset_time(shipped),
        offset_time(arrived) if arrived else None,
    )
