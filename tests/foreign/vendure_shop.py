"""A shop of Vendure: the tables that its own entities define, filled by vendure_rows.py."""

from pathlib import Path

from foreign_database import ForeignDatabase
from foreign_packages import node_modules, run
from vendure_rows import fill

from servers import PostgresqlServer

SCRIPT = Path(__file__).with_name("vendure_schema.js")
CUSTOMERS = (1, 3, 6, 8, 10, 14, 19, 24, 33, 36)  # 8, 24 and 36 are guests; 10 has been deleted; 36 has no order

USER = '(SELECT "userId" FROM customer WHERE id = :customer)'
ORDERS = '(SELECT id FROM "order" WHERE "customerId" = :customer)'
LINES = f'(SELECT id FROM order_line WHERE "orderId" IN {ORDERS})'
FULFILLMENTS = f'(SELECT "fulfillmentId" FROM order_fulfillments_fulfillment WHERE "orderId" IN {ORDERS})'
BY_CUSTOMER = '"customerId" = :customer'
BY_ORDER = f'"orderId" IN {ORDERS}'

OWNED = {
    "customer": "id = :customer",
    "address": BY_CUSTOMER,
    "customer_channels_channel": BY_CUSTOMER,
    "customer_groups_customer_group": BY_CUSTOMER,
    "user": f"id = {USER}",
    "user_roles_role": f'"userId" = {USER}',
    "authentication_method": f'"userId" = {USER}',
    "session": f'"userId" = {USER}',
    "order": BY_CUSTOMER,
    "order_channels_channel": BY_ORDER,
    "order_promotions_promotion": BY_ORDER,
    "order_line": BY_ORDER,
    "product_variant_translation": f'"baseId" IN (SELECT "productVariantId" FROM order_line WHERE id IN {LINES})',
    "shipping_line": BY_ORDER,
    "surcharge": BY_ORDER,
    "payment": BY_ORDER,
    "refund": f'"paymentId" IN (SELECT id FROM payment WHERE {BY_ORDER})',
    "order_modification": BY_ORDER,
    "order_fulfillments_fulfillment": BY_ORDER,
    "fulfillment": f"id IN {FULFILLMENTS}",
    "order_line_reference": f'"orderLineId" IN {LINES}',
    "stock_movement": f'"orderLineId" IN {LINES}',
    "history_entry": f"{BY_CUSTOMER} OR {BY_ORDER}",
}


def make_postgresql(server: PostgresqlServer) -> ForeignDatabase:
    """Make the shop in a database of the server."""
    modules = node_modules()
    url = server.create_database("vendure")
    run("node", SCRIPT, server.folder, "vendure", environment={"NODE_PATH": str(modules)})
    fill(url)
    return ForeignDatabase(url=url, customers=CUSTOMERS, owned=OWNED)
