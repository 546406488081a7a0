"""What the demo shop's customers put into a basket, and what it costs."""

from typing import NamedTuple

from customer_export.demo.catalogue import Catalogue
from customer_export.demo.currencies import CURRENCIES, Currency
from customer_export.demo.dice import Dice

CHANNELS = ("web", "web", "app", "phone", "shop")
IN_THE_SHOP = "shop"
"""The channel of customers who take the goods along: nothing is sent, and sending costs nothing."""

FREE_SHIPPING_EURO_CENTS = 6000
SHIPPING_EURO_CENTS = 490

# Steps through the catalogue: no common factor with its size, so that a basket's products differ.
PRODUCT_STRIDE = 11


class Item(NamedTuple):
    """One line of a basket, as the table of order items holds it after the order's id."""

    position: int
    product_id: int
    quantity: int
    unit_price: str
    line_total: str


class Basket(NamedTuple):
    """Some products and their cost: `total` is exactly `subtotal` - `discount` + `tax` + `shipping`."""

    channel: str
    currency: str
    items: tuple[Item, ...]
    subtotal: str
    discount: str
    tax: str
    shipping: str
    total: str
    half_subtotal: str
    weight_kg: str


def draw_basket(dice: Dice, catalogue: Catalogue, *, currency: Currency, tax_percent: int) -> Basket:
    """Draw one to four different products, mostly one and a single piece; every seventh gets 10 % off."""
    first = dice.below(len(catalogue.products))
    subtotal = grams = 0
    items = []
    for position in range(1, 2 + int(dice.fraction() * dice.fraction() * 4)):
        product = catalogue.products[(first + position * PRODUCT_STRIDE) % len(catalogue.products)]
        quantity = 1 + int(dice.fraction() * dice.fraction() * 5)
        price = product.price[currency.code]
        items.append(Item(position, product.id, quantity, currency.text(price), currency.text(price * quantity)))
        subtotal += price * quantity
        grams += product.weight_grams * quantity
    discount = subtotal // 10 if dice.chance(15) else 0
    channel = dice.pick(CHANNELS)
    free = channel == IN_THE_SHOP or subtotal >= currency.price(FREE_SHIPPING_EURO_CENTS)
    shipping = 0 if free else currency.price(SHIPPING_EURO_CENTS)
    # Half a minor unit is rounded up: 50 hundredths of it.
    tax = ((subtotal - discount + shipping) * tax_percent + 50) // 100
    return Basket(
        channel=channel,
        currency=currency.code,
        items=tuple(items),
        subtotal=currency.text(subtotal),
        discount=currency.text(discount),
        tax=currency.text(tax),
        shipping=currency.text(shipping),
        total=currency.text(subtotal - discount + tax + shipping),
        half_subtotal=currency.text(subtotal // 2),
        weight_kg=f"{grams // 1000}.{grams % 1000:03d}",
    )


def draw_baskets(
    dice: Dice, catalogue: Catalogue, *, currencies: tuple[str, ...], tax_percent: int, count: int
) -> tuple[Basket, ...]:
    """Draw `count` baskets, paid in one after another of `currencies`."""
    return tuple(
        draw_basket(
            dice,
            catalogue,
            currency=CURRENCIES[currencies[number % len(currencies)]],
            tax_percent=tax_percent,
        )
        for number in range(count)
    )
