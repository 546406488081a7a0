"""Orders of the oscar shop, and the people and places that they name. For oscar_rows.py, in the foreign venv."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

NAMES = (
    ("Zoë", "Müller-Lüdenscheidt"), ("山田", "太郎"), ("Ольга", "Кузнецова"), ("محمد", "الأحمد"), ("Siobhán",
                                                                                               "O'Brien"),
    ("Łukasz", "Żółć"), ("Anne-Marie", "D’Angelo"), ("", ""), ("José", "Núñez y Pérez"), ("=cmd()", "+49 Smith"),
)  # fmt: skip
PLACES = (
    ("DE", "Straße des 17. Juni 135", "Berlin", "", "01067"), ("JP", "道玄坂2丁目", "渋谷区", "東京都", "150-0043"),
    ("GB", "221b Baker Street", "London", "Greater London", "NW1 6XE"), ("BR", "Praça da Sé, s/n", "São Paulo", "SP",
                                                                         "01001-000"),
)  # fmt: skip
DAY = timedelta(days=1)
START = datetime(2024, 1, 1, 8, 30, tzinfo=UTC)


class Shop:
    """What customers refer to: a catalogue, vouchers, kinds of events, and the people who work here."""

    def __init__(self) -> None:
        from django.contrib.auth.models import Group, Permission, User
        from oscar.apps.address.models import Country
        from oscar.apps.catalogue.models import Category, Option, Product, ProductClass
        from oscar.apps.communication.models import CommunicationEventType
        from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer, Range
        from oscar.apps.order.models import PaymentEventType, ShippingEventType
        from oscar.apps.partner.models import Partner, StockRecord
        from oscar.apps.payment.models import SourceType
        from oscar.apps.voucher.models import Voucher

        for place in PLACES:
            Country.objects.create(iso_3166_1_a2=place[0], printable_name=f"Land {place[0]}", name=f"LAND {place[0]}")
        kind = ProductClass.objects.create(name="Книги и more")
        category = Category.add_root(name="Bücher")
        self.partner = Partner.objects.create(name="Großhandel & Söhne", code="gs")
        self.option = Option.objects.create(name="Gravur", code="gravur")
        self.products = []
        for n in range(1, 9):
            product = Product.objects.create(product_class=kind, title=f"Produkt №{n} “{'x' * n}”", upc=f"00{n:06d}")
            product.categories.add(category)
            StockRecord.objects.create(
                product=product, partner=self.partner, partner_sku=f"0{n}", price=Decimal("9.90") * n, num_in_stock=100
            )
            self.products.append(product)
        everything = Range.objects.create(name="Everything", includes_all_products=True)
        self.offer = ConditionalOffer.objects.create(
            name="Rabatt 10 %",
            condition=Condition.objects.create(range=everything, type="Count", value=1),
            benefit=Benefit.objects.create(range=everything, type="Percentage", value=10),
        )
        self.voucher = Voucher.objects.create(
            name="Frühling", code="FRÜHLING", start_datetime=START, end_datetime=START + 365 * DAY
        )
        self.voucher.offers.add(self.offer)
        self.events = [CommunicationEventType.objects.create(name=name, code=name) for name in ("PLACED", "RETURNED")]
        self.payment_events = [PaymentEventType.objects.create(name=name) for name in ("Settle", "Refund")]
        self.shipping_events = [ShippingEventType.objects.create(name=name) for name in ("Shipped", "Returned")]
        self.source_types = [SourceType.objects.create(name=name) for name in ("Card", "Gutschein")]
        self.clerk = User.objects.create(username="clerk", email="clerk@shop.example", is_staff=True)
        self.groups = [Group.objects.create(name=name) for name in ("Wholesale", "Stammkunden", "Beta")]
        self.permission = Permission.objects.order_by("id").first()


def address_values(n: int, which: int) -> dict[str, object]:
    """Give what all kinds of addresses have."""
    country, street, town, state, postcode = PLACES[(n + which) % len(PLACES)]
    first, last = NAMES[(n + which) % len(NAMES)]
    return {
        "country_id": country, "line1": f"{street} {n}", "line2": "c/o\nHinterhaus" if which else "", "line4": town,
        "state": state,
        "postcode": postcode, "first_name": first, "last_name": last, "title": "Dr" if n % 2 else "",
    }  # fmt: skip


def make_order(number: str, n: int, shop: Shop, *, user: object, email: str) -> None:
    """Place an order of one to three lines, discounted, paid, shipped, noted, and every third one returned."""
    from oscar.apps.order.models import BillingAddress, Order, ShippingAddress

    lines, digital, returned = 1 + n % 3, n % 4 == 3, n % 3 == 0
    total = sum((shop.products[(n + k) % 8].stockrecords.first().price * (k + 1) for k in range(lines)), Decimal(0))
    order = Order.objects.create(
        number=number, user=user, guest_email=email, currency=("EUR", "GBP", "JPY")[n % 3], site_id=1,
        total_incl_tax=total, total_excl_tax=(total / Decimal("1.19")).quantize(Decimal("0.01")),
        shipping_incl_tax=0 if digital else Decimal("4.90"), shipping_excl_tax=0 if digital else Decimal("4.12"),
        shipping_method="" if digital else "Standard ✈", shipping_code="",
        status="Returned" if returned else "Complete",
        billing_address=BillingAddress.objects.create(**address_values(n, 0)),
        shipping_address=None if digital else ShippingAddress.objects.create(phone_number="",
                                                                             notes="Hinten klingeln",
                                                                             **address_values(n, 1)),
        date_placed=START + (30 + 5 * n) * DAY + timedelta(microseconds=n),
    )  # fmt: skip
    placed = [make_line(order, k, shop.products[(n + k) % 8], shop) for k in range(lines)]
    make_discounts(order, placed, n, shop, user)
    make_payments(order, placed, shop, returned=returned)
    if not digital:
        make_shipments(order, placed, shop, returned=returned)
    order.status_changes.create(old_status="Pending", new_status="Complete")
    order.communication_events.create(event_type=shop.events[0])
    if returned:
        order.status_changes.create(old_status="Complete", new_status="Returned")
        order.communication_events.create(event_type=shop.events[1])
        order.notes.create(user=shop.clerk, note_type="System", message="Zurückgeschickt: „zu klein“")
    if user is not None and n % 2:
        order.notes.create(user=user, note_type="", message="Bitte als Geschenk,\nmit Schleife")


def make_line(order: object, k: int, product: object, shop: Shop) -> object:
    """Order k + 1 pieces of a product; the first line is engraved."""
    price, quantity = product.stockrecords.first().price, k + 1
    line = order.lines.create(
        product=product if k else None, title=product.title, partner=shop.partner, partner_name=shop.partner.name,
        partner_sku=f"0{product.pk}", upc=product.upc, stockrecord=product.stockrecords.first(), quantity=quantity,
        line_price_incl_tax=price * quantity, line_price_excl_tax=price * quantity, unit_price_incl_tax=price,
        num_allocated=quantity,
        line_price_before_discounts_incl_tax=price * quantity, line_price_before_discounts_excl_tax=price * quantity,
    )  # fmt: skip
    line.prices.create(order=order, quantity=quantity, price_incl_tax=price, price_excl_tax=price)
    if k == 0:
        line.attributes.create(option=shop.option, type="gravur", value="Für immer ♥")
    return line


def make_discounts(order: object, lines: list[object], n: int, shop: Shop, user: object) -> None:
    """Give every other order a discount by voucher, over its lines, and every fifth a surcharge."""
    if n % 2 == 0:
        discount = order.discounts.create(
            category="Basket", offer_id=shop.offer.pk, offer_name=shop.offer.name, voucher_id=shop.voucher.pk,
            voucher_code=shop.voucher.code, frequency=1, amount=Decimal("1.00"), message="−10 %",
        )  # fmt: skip
        for line in lines:
            line.discounts.create(order_discount=discount, is_incl_tax=True, amount=Decimal("0.50"))
        shop.voucher.applications.create(order=order, user=user)
    if n % 5 == 0:
        order.surcharges.create(name="Nachnahme", code="cod", incl_tax=Decimal("2.38"), excl_tax=Decimal("2.00"))


def make_payments(order: object, lines: list[object], shop: Shop, *, returned: bool) -> None:
    """Pay the order, and pay a returned one back."""
    source = order.sources.create(
        source_type=shop.source_types[0], currency=order.currency, amount_allocated=order.total_incl_tax,
        amount_debited=order.total_incl_tax, reference=f"pi_{order.number}", label="",
    )  # fmt: skip
    for name, event_type in zip(("Debit", "Refund")[: 1 + returned], shop.payment_events, strict=False):
        amount = order.total_incl_tax
        source.transactions.create(txn_type=name, amount=amount, reference=f"{name}-{order.number}", status="OK")
        event = order.payment_events.create(event_type=event_type, amount=amount, reference=name)
        for line in lines:
            event.line_quantities.create(line=line, quantity=line.quantity)


def make_shipments(order: object, lines: list[object], shop: Shop, *, returned: bool) -> None:
    """Ship the order, and take a returned one back."""
    for event_type in shop.shipping_events[: 1 + returned]:
        event = order.shipping_events.create(event_type=event_type, notes=f"DHL 00340434{order.number}")
        for line in lines:
            event.line_quantities.create(line=line, quantity=line.quantity)
