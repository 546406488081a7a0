"""Make django-oscar's tables by its own migrations, and fill them through its own models. Run in the foreign venv.

In SQLite they are made by its models without migrations: Django takes half a minute of computing for these, wherever.

`python oscar_rows.py sqlite PATH` or `python oscar_rows.py postgresql HOST DATABASE`. The same rows each time: what a
customer has follows from their number, and the clock is ours.
"""

import gc
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count

import django
from django.conf import settings
from django.utils import crypto, timezone
from oscar_orders import DAY, NAMES, START, Shop, address_values, make_order

CUSTOMERS = 36
APPS = (
    "analytics.apps.AnalyticsConfig", "checkout.apps.CheckoutConfig", "address.apps.AddressConfig",
    "shipping.apps.ShippingConfig",
    "catalogue.apps.CatalogueConfig", "catalogue.reviews.apps.CatalogueReviewsConfig",
    "communication.apps.CommunicationConfig",
    "partner.apps.PartnerConfig", "basket.apps.BasketConfig", "payment.apps.PaymentConfig", "offer.apps.OfferConfig",
    "order.apps.OrderConfig", "customer.apps.CustomerConfig", "search.apps.SearchConfig",
    "voucher.apps.VoucherConfig",
    "wishlists.apps.WishlistsConfig",
)  # fmt: skip
DJANGO_APPS = ("admin", "auth", "contenttypes", "sessions", "messages", "sites", "flatpages")
_ticks = count()


def tick() -> datetime:
    """Give the next second of the clock that stands in for Django's."""
    return START + timedelta(seconds=next(_ticks), microseconds=123456)


def label_of(app: str) -> str:
    """Give Django's short name of an app: `reviews` of `catalogue.reviews.apps.CatalogueReviewsConfig`."""
    return app.split(".apps.", maxsplit=1)[0].rpartition(".")[2]


def set_up(database: dict[str, object], *, migrated: bool) -> None:
    """Configure a shop as oscar's documentation does, without its pages."""
    import oscar.defaults

    defaults = {name: value for name, value in vars(oscar.defaults).items() if name.isupper()}
    settings.configure(**{
        **defaults,
        "SECRET_KEY": "of a test", "USE_TZ": True, "SITE_ID": 1, "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "DATABASES": {"default": database},
        "INSTALLED_APPS": [f"django.contrib.{app}" for app in DJANGO_APPS]
        + [*(f"oscar.apps.{app}" for app in APPS), "treebeard"],
        "MIGRATION_MODULES": {} if migrated else dict.fromkeys((*map(label_of, APPS), *DJANGO_APPS)),
        "HAYSTACK_CONNECTIONS": {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
    })  # fmt: skip
    timezone.now = tick
    secrets = count(1)
    crypto.get_random_string = lambda length, **_: f"{next(secrets):0{length}d}"
    django.setup()


def make_customer(n: int, shop: Shop) -> None:
    """Make the n-th customer with what their number gives them."""
    from django.contrib.auth.models import User
    from oscar.apps.order.models import Order

    first, last = NAMES[n % len(NAMES)]
    user = User.objects.create(
        username=f"customer-{n}", email=f"Customer.{n}@Example.org", first_name=first, last_name=last,
        password=f"pbkdf2_sha256$870000$salt{n}$secret-of-{n}=", is_active=n % 9 != 0,
        last_login=None if n % 4 == 0 else START + n * DAY,
    )  # fmt: skip
    user.groups.set(shop.groups[: n % 4])
    if n > 33:  # these have an account and nothing else
        return
    addresses = [make_user_address(n, which, user) for which in range(n % 4)]
    for which in range(n % 5):
        make_order(f"1{n:03d}{which}", n + which, shop, user=user, email="")
    if n % 3 == 0:  # bought once more without signing in, and wrote the address another way
        make_order(f"2{n:03d}", n, shop, user=None, email=f"CUSTOMER.{n}@EXAMPLE.ORG")
    if n % 7 == 0:  # signed in, with the next customer's address: the order is theirs who signed in
        make_order(f"3{n:03d}", n, shop, user=user, email=f"customer.{n + 1}@example.org")
    make_basket(n, shop, user)
    make_opinions(n, shop, user)
    make_messages(n, shop, user)
    make_traces(n, shop, user, orders=Order.objects.filter(user=user).count())
    if addresses and n % 2:
        addresses[0].num_orders_as_shipping_address = 2
        addresses[0].save()


def make_user_address(n: int, which: int, user: object) -> object:
    """Add an address to the customer's book; the first is the default."""
    from oscar.apps.address.models import UserAddress

    return UserAddress.objects.create(
        user=user, phone_number="+4930123456" if which else "", notes="", is_default_for_shipping=which == 0,
        **address_values(n, which),
    )  # fmt: skip


def make_basket(n: int, shop: Shop, user: object) -> None:
    """Leave something in the customer's basket, with the voucher."""
    from oscar.apps.basket.models import Basket

    if n % 2:
        basket = Basket.objects.create(owner=user, status="Open")
        for product in shop.products[: n % 3 + 1]:
            line = basket.lines.create(
                product=product, stockrecord=product.stockrecords.first(), quantity=n, price_currency="EUR",
                line_reference=f"{product.pk}_1", price_incl_tax=None if n % 4 == 1 else Decimal("9.90"),
            )  # fmt: skip
            line.attributes.create(option=shop.option, value="Ärger")
        basket.vouchers.add(shop.voucher)


def make_opinions(n: int, shop: Shop, user: object) -> None:
    """Write a review, vote on another's, wish for something; some without signing in."""
    from oscar.apps.catalogue.reviews.models import ProductReview
    from oscar.apps.customer.models import ProductAlert
    from oscar.apps.wishlists.models import WishList

    if n % 3 != 1:
        review = ProductReview.objects.create(
            product=shop.products[n % 8],
            user=user,
            score=n % 6,
            title="Très bien",
            body="Ça marche.\n\n10/10 🎉",
            status=1,
        )
        review.votes.create(user=shop.clerk, delta=1)
    if n % 5 == 0:
        ProductReview.objects.create(
            product=shop.products[0], score=1, title="Anonym", body="…", name="N. N.", email=f"customer.{n}@example.org"
        )
    for review in ProductReview.objects.exclude(user=user).order_by("id")[: n % 3]:
        review.votes.create(user=user, delta=-1)
    for k in range(n % 3):
        wishes = WishList.objects.create(owner=user, name="Geburtstag 🎂" if k else "Default", visibility="Private")
        wishes.lines.create(product=shop.products[k], quantity=2, title="")
        wishes.lines.create(product=None, quantity=1, title="Nicht mehr im Sortiment")
        wishes.shared_emails.create(email=f"customer.{n + 1}@example.org")
    ProductAlert.objects.create(product=shop.products[1], user=user, status="Active", date_confirmed=None)
    if n % 4 == 0:  # somebody left the address without an account
        ProductAlert.objects.create(product=shop.products[2], email=f"customer.{n}@example.org")


def make_messages(n: int, shop: Shop, user: object) -> None:
    """Send mails and notifications; one mail before the account was made."""
    from oscar.apps.communication.models import Email, Notification

    for k in range(n % 4):
        Email.objects.create(
            user=user, email=None, subject=f"Ihre Bestellung {k}", body_text="Danke!", body_html="<p>Danke!</p>"
        )
    if n % 6 == 0:
        Email.objects.create(user=None, email=user.email.lower(), subject="Willkommen", body_text="Hallo", body_html="")
    for k in range(n % 2):
        Notification.objects.create(
            recipient=user, sender=shop.clerk, subject="Zurück im Lager", body="<b>Da!</b>", date_read=START + k * DAY
        )
    if n % 8 == 0:  # the customer wrote to the shop
        Notification.objects.create(recipient=shop.clerk, sender=user, subject="Frage", body="Wann?")


def make_traces(n: int, shop: Shop, user: object, *, orders: int) -> None:
    """Leave what analytics keep, a card, and what the administration writes down."""
    from django.contrib.admin.models import LogEntry
    from oscar.apps.analytics.models import UserProductView, UserRecord, UserSearch
    from oscar.apps.payment.models import Bankcard

    UserRecord.objects.create(user=user, num_orders=orders, total_spent=Decimal("12.30") * orders, date_last_order=None)
    for k in range(n % 6):
        UserProductView.objects.create(user=user, product=shop.products[k])
        UserSearch.objects.create(user=user, query=f"чай & kräuter {k}")
    if n % 4 == 1:
        Bankcard.objects.create(
            user=user, number="4242424242424242", card_type="Visa", name="Z. Müller", expiry_date=date(2031, 12, 31),
            partner_reference=f"tok_{n}"
        )  # fmt: skip
    if n == 3:
        user.user_permissions.add(shop.permission)
        shop.partner.users.add(user)
        LogEntry.objects.create(user=user, action_flag=1, object_repr="Produkt №1", object_id="1", change_message="[]")


def main() -> None:
    """Make the database that the arguments name."""
    gc.disable()  # nobody needs the memory, and migrations make models by the thousand
    match sys.argv[1:]:
        case ["sqlite", path]:
            set_up({"ENGINE": "django.db.backends.sqlite3", "NAME": path}, migrated=False)
        case ["postgresql", host, name]:
            postgresql = {"ENGINE": "django.db.backends.postgresql", "HOST": host, "NAME": name, "USER": "postgres"}
            set_up(postgresql, migrated=True)
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0, skip_checks=True, run_syncdb=True)
    with transaction.atomic():
        shop = Shop()
        for n in range(1, CUSTOMERS + 1):
            make_customer(n, shop)
        for n in range(1, 6):  # guests who never had an account
            make_order(f"9{n:03d}", n, shop, user=None, email=f"guest.{n}@example.net")


if __name__ == "__main__":
    main()
