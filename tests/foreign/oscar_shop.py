"""A shop of django-oscar: its own migrations' tables, filled through its own models by oscar_rows.py."""

from pathlib import Path

from foreign_database import ForeignDatabase
from foreign_packages import foreign_python, run

from servers import PostgresqlServer

SCRIPT = Path(__file__).with_name("oscar_rows.py")
# The n-th customer has the id n + 1: the shop's clerk came first. Two of them have an account and nothing else.
CUSTOMERS = tuple(n + 1 for n in (1, 3, 6, 7, 8, 12, 15, 24, 30, 35))

E_MAIL = "(SELECT lower(email) FROM auth_user WHERE id = :customer)"
ORDERS = (
    f"(SELECT id FROM order_order WHERE user_id = :customer OR (user_id IS NULL AND lower(guest_email) = {E_MAIL}))"
)
LINES = f"(SELECT id FROM order_line WHERE order_id IN {ORDERS})"
BASKETS = "(SELECT id FROM basket_basket WHERE owner_id = :customer)"
WISHLISTS = "(SELECT id FROM wishlists_wishlist WHERE owner_id = :customer)"
BY_USER = "user_id = :customer"
BY_ORDER = f"order_id IN {ORDERS}"
USER_OR_E_MAIL = f"user_id = :customer OR (user_id IS NULL AND lower(email) = {E_MAIL})"

OWNED = {
    "auth_user": "id = :customer",
    "auth_user_groups": BY_USER,
    "auth_user_user_permissions": BY_USER,
    "address_useraddress": BY_USER,
    "order_order": f"id IN {ORDERS}",
    "order_line": BY_ORDER,
    "order_lineprice": BY_ORDER,
    "order_lineattribute": f"line_id IN {LINES}",
    "order_orderdiscount": BY_ORDER,
    "order_orderlinediscount": f"line_id IN {LINES}",
    "order_surcharge": BY_ORDER,
    "order_ordernote": BY_ORDER,
    "order_orderstatuschange": BY_ORDER,
    "order_communicationevent": BY_ORDER,
    "order_billingaddress": f"id IN (SELECT billing_address_id FROM order_order WHERE id IN {ORDERS})",
    "order_shippingaddress": f"id IN (SELECT shipping_address_id FROM order_order WHERE id IN {ORDERS})",
    "order_paymentevent": BY_ORDER,
    "order_paymenteventquantity": f"line_id IN {LINES}",
    "order_shippingevent": BY_ORDER,
    "order_shippingeventquantity": f"line_id IN {LINES}",
    "payment_source": BY_ORDER,
    "payment_transaction": f"source_id IN (SELECT id FROM payment_source WHERE {BY_ORDER})",
    "payment_bankcard": BY_USER,
    "voucher_voucherapplication": f"user_id = :customer OR {BY_ORDER}",
    "basket_basket": "owner_id = :customer",
    "basket_basket_vouchers": f"basket_id IN {BASKETS}",
    "basket_line": f"basket_id IN {BASKETS}",
    "basket_lineattribute": f"line_id IN (SELECT id FROM basket_line WHERE basket_id IN {BASKETS})",
    "reviews_productreview": USER_OR_E_MAIL,
    "reviews_vote": BY_USER,
    "wishlists_wishlist": "owner_id = :customer",
    "wishlists_line": f"wishlist_id IN {WISHLISTS}",
    "wishlists_wishlistsharedemail": f"wishlist_id IN {WISHLISTS}",
    "customer_productalert": USER_OR_E_MAIL,
    "communication_email": USER_OR_E_MAIL,
    "communication_notification": "recipient_id = :customer OR sender_id = :customer",
    "analytics_userproductview": BY_USER,
    "analytics_userrecord": BY_USER,
    "analytics_usersearch": BY_USER,
    "partner_partner_users": BY_USER,
    "django_admin_log": BY_USER,
}


def make_sqlite(folder: Path) -> ForeignDatabase:
    """Make the shop in a file."""
    path = folder / "oscar.db"
    run(foreign_python(), SCRIPT, "sqlite", path)
    return ForeignDatabase(url=f"sqlite:///{path}", customers=CUSTOMERS, owned=OWNED)


def make_postgresql(server: PostgresqlServer) -> ForeignDatabase:
    """Make the shop in a database of the server."""
    python = foreign_python()
    url = server.create_database("oscar")
    run(python, SCRIPT, "postgresql", server.folder, "oscar")
    return ForeignDatabase(url=url, customers=CUSTOMERS, owned=OWNED)
