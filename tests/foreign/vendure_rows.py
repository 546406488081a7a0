"""Fill Vendure's tables: the same rows each time, since what a customer has follows from their number."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

CUSTOMERS = 36
NAMES = (
    ("Zoë", "Müller"), ("山田", "太郎"), ("Ольга", "Кузнецова"), ("Siobhán", "O'Brien"), ("Łukasz", "Żółć"), ("محمد",
                                                                                                          "الأحمد"),
                                                                                                          ("", ""),
)  # fmt: skip
CURRENCIES = ("EUR", "USD", "JPY")
START = datetime(2024, 2, 29, 23, 59, 59, 123456)
DAY = timedelta(days=1)


class Rows:
    """Inserts rows, each a minute after the last, and gives their ids."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._now = START

    def link(self, table: str, **values: object) -> None:
        """Insert a row whose columns are all given."""
        self._insert(table, values, "")

    def add(self, table: str, **values: object) -> int:
        """Insert a row with the moment it was made, and give its id."""
        self._now += timedelta(minutes=1)
        values = {"createdAt": self._now, "updatedAt": self._now + DAY, **values}
        ((key,),) = self._insert(table, values, 'RETURNING "id"')
        return key

    def _insert(self, table: str, values: Mapping[str, object], returning: str) -> list[tuple[int]]:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) {}").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join([sql.Placeholder()] * len(values)), sql.SQL(returning),
        )  # fmt: skip
        cursor = self._connection.execute(statement, list(values.values()))
        return cursor.fetchall() if returning else []


class Shop:
    """What customers refer to: channels, countries, products, promotions, ways to pay and ship."""

    def __init__(self, rows: Rows) -> None:
        zone = rows.add("zone", name="Welt")
        self.channels = [
            rows.add("channel", code=code, token=f"token-{code}", defaultLanguageCode="de",
                     availableLanguageCodes="de,en",
                     defaultCurrencyCode="EUR", pricesIncludeTax=True, defaultTaxZoneId=zone)
            for code in ("__default_channel__", "großhandel")
        ]  # fmt: skip
        self.countries = []
        for code, name in (("DE", "Deutschland"), ("JP", "日本"), ("BR", "Brasil")):
            country = rows.add("region", code=code, type="country", enabled=True, discriminator="Country")
            rows.add("region_translation", languageCode="de", name=name, baseId=country)
            self.countries.append(country)
        self.groups = [rows.add("customer_group", name=name) for name in ("Stammkunden", "Händler")]
        self.role = rows.add("role", code="__customer_role__", description="Customer", permissions="Authenticated")
        self.tax = rows.add("tax_category", name="Standard")
        self.variants = [self._variant(rows, n) for n in range(1, 7)]
        self.shipping = rows.add(
            "shipping_method", code="dhl", checker="{}", calculator="{}", fulfillmentHandlerCode="manual"
        )
        rows.add(
            "shipping_method_translation", languageCode="de", name="DHL Päckchen", description="", baseId=self.shipping
        )
        self.promotion = rows.add(
            "promotion", couponCode="FRÜHLING", enabled=True, conditions="[]", actions="[]", priorityScore=1
        )
        rows.add("promotion_translation", languageCode="de", name="Frühling", description="", baseId=self.promotion)
        self.location = rows.add("stock_location", name="Lager", description="")
        clerk = rows.add("user", identifier="clerk@shop.example", verified=True)
        self.clerk = rows.add(
            "administrator", firstName="Kim", lastName="Clerk", emailAddress="clerk@shop.example", userId=clerk
        )

    def _variant(self, rows: Rows, n: int) -> int:
        product = rows.add("product", enabled=True)
        rows.add(
            "product_translation",
            languageCode="de",
            name=f"Ware {n}",
            slug=f"ware-{n}",
            description="<p>Größe</p>",
            baseId=product,
        )
        variant = rows.add(
            "product_variant",
            enabled=True,
            sku=f"00{n}",
            trackInventory="INHERIT",
            taxCategoryId=self.tax,
            productId=product,
        )
        rows.add("product_variant_translation", languageCode="de", name=f"Ware {n} – “blau”", baseId=variant)
        rows.add(
            "product_variant_price", currencyCode="EUR", price=999 * n, variantId=variant, channelId=self.channels[0]
        )
        return variant


def fill(url: str) -> None:
    """Fill the empty tables."""
    with psycopg.connect(url) as connection:
        rows = Rows(connection)
        shop = Shop(rows)
        for n in range(1, CUSTOMERS + 1):
            make_customer(rows, n, shop)
        rows.add("session", token="of nobody", expires=START + DAY, invalidated=False, type="AnonymousSession")


def make_customer(rows: Rows, n: int, shop: Shop) -> None:
    """Make the n-th customer; every fourth is a guest, who has no user."""
    first, last = NAMES[n % len(NAMES)]
    user = None if n % 4 == 0 else make_user(rows, n, shop)
    customer = rows.add(
        "customer", title="Dr" if n % 5 == 0 else None, firstName=first, lastName=last,
        phoneNumber="+49 030 1" if n % 3 else None,
        emailAddress=f"Customer.{n}@example.org", userId=user, deletedAt=START + 300 * DAY if n % 10 == 0 else None,
    )  # fmt: skip
    for channel in shop.channels[: 1 + n % 2]:
        rows.link("customer_channels_channel", customerId=customer, channelId=channel)
    for group in shop.groups[: n % 3]:
        rows.link("customer_groups_customer_group", customerId=customer, customerGroupId=group)
    for which in range(n % 4):
        rows.add(
            "address", customerId=customer, countryId=shop.countries[which % 3], fullName=f"{first} {last}",
            streetLine1=f"Straße {n}",
            streetLine2="Hinterhof\n2. Stock" if which else "", city="Köln", postalCode=f"0{n:04d}",
            defaultShippingAddress=which == 0,
        )  # fmt: skip
    note = {"note": "Rief an: „alles gut“"}
    rows.add("history_entry", type="CUSTOMER_NOTE", isPublic=False, data=json.dumps(note, ensure_ascii=False),
             discriminator="customer-history-entry", administratorId=shop.clerk, customerId=customer)  # fmt: skip
    if n <= 33:
        for which in range(n % 5):
            make_order(rows, n, which, shop, customer=customer, user=user)


def make_user(rows: Rows, n: int, shop: Shop) -> int:
    """Make an account that signs in by password, every third by somebody else too, and has sessions."""
    user = rows.add(
        "user",
        identifier=f"customer.{n}@example.org",
        verified=n % 7 != 0,
        lastLogin=START + n * DAY if n % 2 else None,
    )
    rows.link("user_roles_role", userId=user, roleId=shop.role)
    rows.add("authentication_method", identifier=f"customer.{n}@example.org", passwordHash=f"$2b$12$secret-of-{n}",
             verificationToken=f"verify-{n}", type="NativeAuthenticationMethod", userId=user)  # fmt: skip
    if n % 3 == 0:
        rows.add("authentication_method", strategy="google", externalIdentifier=f"1{n:020d}",
                 metadata='{"hd": "example.org"}',
                 type="ExternalAuthenticationMethod", userId=user)  # fmt: skip
    for which in range(n % 3):
        rows.add("session", token=f"session-{n}-{which}", expires=START + 365 * DAY, invalidated=False,
                 authenticationStrategy="native",
                 type="AuthenticatedSession", userId=user, activeChannelId=shop.channels[0])  # fmt: skip
    return user


def make_order(rows: Rows, n: int, which: int, shop: Shop, *, customer: int, user: int | None) -> None:
    """Place an order, or leave it in the basket; every third is changed, paid back and returned."""
    active, changed = which == 3, (n + which) % 3 == 0
    address = {"fullName": "Zoë Müller", "streetLine1": f"Straße {n}", "city": "Köln", "countryCode": "DE"}
    order = rows.add(
        "order", type="Regular", code=f"V{n:03d}{which}", state="AddingItems" if active else "Delivered",
        active=active, customerId=customer,
        orderPlacedAt=None if active else START + (n + which) * DAY, couponCodes="FRÜHLING" if which % 2 else "",
        shippingAddress=json.dumps(address, ensure_ascii=False), billingAddress="{}", currencyCode=CURRENCIES[n % 3],
        subTotal=1998, subTotalWithTax=2378, shipping=490, shippingWithTax=583,
    )  # fmt: skip
    rows.link("order_channels_channel", orderId=order, channelId=shop.channels[0])
    if which % 2:
        rows.link("order_promotions_promotion", orderId=order, promotionId=shop.promotion)
    shipping = rows.add("shipping_line", listPriceIncludesTax=True, adjustments="[]", taxLines="[]",
                        shippingMethodId=shop.shipping,
                        listPrice=583, orderId=order)  # fmt: skip
    lines = [
        rows.add("order_line", quantity=k + 1, orderPlacedQuantity=k + 1, listPriceIncludesTax=True,
                 adjustments="[]", taxLines="[]",
                 shippingLineId=shipping if k else None, productVariantId=shop.variants[(n + k) % 6],
                 taxCategoryId=shop.tax,
                 initialListPrice=None if k else 999, listPrice=999, orderId=order)
        for k in range(1 + n % 3)
    ]  # fmt: skip
    rows.add("history_entry", type="ORDER_STATE_TRANSITION", isPublic=True,
             data='{"from": "Created", "to": "AddingItems"}',
             discriminator="order-history-entry", orderId=order)  # fmt: skip
    if active:
        if user is not None:
            rows.add(
                "session",
                token=f"basket-{n}",
                expires=START + DAY,
                invalidated=True,
                type="AuthenticatedSession",
                userId=user,
                activeOrderId=order,
            )
        return
    deliver(rows, order, lines, n, shop)
    payment = rows.add("payment", method="stripe", state="Settled", transactionId=f"pi_{n}_{which}",
                       metadata='{"last4": "4242"}',
                       errorMessage=None, amount=2961, orderId=order)  # fmt: skip
    if n % 5 == 0:
        rows.add(
            "surcharge",
            description="Nachnahme",
            listPriceIncludesTax=True,
            sku="COD",
            taxLines="[]",
            listPrice=200,
            orderId=order,
        )
    if changed:
        send_back(rows, order, lines, payment)


def deliver(rows: Rows, order: int, lines: list[int], n: int, shop: Shop) -> None:
    """Ship an order, and take its pieces out of stock."""
    parcel = rows.add("fulfillment", state="Delivered", trackingCode=f"00340{n}", method="DHL", handlerCode="manual")
    rows.link("order_fulfillments_fulfillment", orderId=order, fulfillmentId=parcel)
    for line in lines:
        rows.add(
            "order_line_reference", quantity=1, fulfillmentId=parcel, orderLineId=line, discriminator="FulfillmentLine"
        )
        rows.add(
            "stock_movement",
            type="SALE",
            quantity=-1,
            stockLocationId=shop.location,
            discriminator="Sale",
            orderLineId=line,
        )


def send_back(rows: Rows, order: int, lines: list[int], payment: int) -> None:
    """Pay an order back in part, with the change that brought it about."""
    refund = rows.add("refund", method="stripe", reason="zu groß", state="Settled", transactionId=None,
                      metadata="{}", paymentId=payment,
                      items=999, shipping=0, adjustment=-100, total=899)  # fmt: skip
    rows.add("order_line_reference", quantity=1, refundId=refund, orderLineId=lines[0], discriminator="RefundLine")
    change = rows.add("order_modification", note="Rückgabe", priceChange=-899, orderId=order, refundId=refund)
    rows.add(
        "order_line_reference",
        quantity=-1,
        modificationId=change,
        orderLineId=lines[0],
        discriminator="OrderModificationLine",
    )
    rows.add("surcharge", description="Rückgabegebühr", listPriceIncludesTax=True, sku="RET", taxLines="[]",
             listPrice=100,
             orderId=order, orderModificationId=change)  # fmt: skip
