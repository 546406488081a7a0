"""A shop for what goes wrong on the way: keys that are any text, and a customer with more orders than fit anywhere.

Far more than the buffers between a server and a client that stops reading hold (some 10 MB): an export of the
whale that nobody reads stands still in mid-stream.
"""

WHALE = "whale"
WHALE_ORDERS = 150_000
SMALL = "small"
SMALL_ORDERS = 3
HOSTILE_KEYS = ("a/b", "50%", "ключ", "a b", "x?y=1&z#f", "..", 'quote"\\', "semi;colon", "日本/語", "+1")

WHALE_SHOP = f"""
CREATE TABLE customers (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
    id integer PRIMARY KEY, customer_id text NOT NULL REFERENCES customers, placed_at timestamptz NOT NULL,
    total numeric(12, 2) NOT NULL, note text
);
INSERT INTO customers VALUES ('{WHALE}', 'The Whale'), ('{SMALL}', 'Small Fry');
INSERT INTO customers SELECT unnest, unnest FROM unnest(ARRAY[
    {", ".join("'" + key.replace("'", "''") + "'" for key in HOSTILE_KEYS)}]);
INSERT INTO orders SELECT n, '{WHALE}', timestamptz '2020-01-01' + n * interval '1 minute', n / 100.0,
    repeat(md5(n::text), 8) FROM generate_series(1, {WHALE_ORDERS}) AS n;
INSERT INTO orders SELECT -n, '{SMALL}', timestamptz '2020-01-01', 1, NULL FROM generate_series(1, {SMALL_ORDERS}) AS n;
CREATE INDEX ON orders (customer_id, placed_at, id);
ANALYZE;
"""

WHALE_MAP = """
map = 1
name = "Whales"

[customer]
table = "customers"
key = "id"
key_type = "text"
title = "name"

[orders]
section = "orders"

[[sections]]
name = "profile"
table = "customers"
links = [[{ columns = "id" }]]
order = "id"
columns = [
  { name = "id", type = "text", personal_data = "identity" },
  { name = "name", type = "text", personal_data = "identity" },
]

[[sections]]
name = "orders"
table = "orders"
links = [[{ columns = "customer_id" }]]
time = "placed_at"
order = ["placed_at", "id"]
columns = [
  { name = "id", type = "integer", personal_data = "behaviour" },
  { name = "placed_at", type = "timestamp", personal_data = "behaviour" },
  { name = "total", type = "money", currency_code = "EUR", personal_data = "financial" },
  { name = "note", type = "text", personal_data = "communication" },
]
"""
