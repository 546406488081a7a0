-- The demo shop. Money is decimal text at its currency's exponent; time stamps are UTC text, some tables with
-- a blank and no offset, others with T and +00:00, as shops that grew over years have them.

CREATE TABLE customers (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    phone TEXT,
    birth_date TEXT,
    locale TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    currency TEXT NOT NULL,
    loyalty_tier TEXT,
    store_credit TEXT,
    marketing_opt_in INTEGER NOT NULL CHECK (marketing_opt_in IN (0, 1)),
    external_reference TEXT,
    tax_id TEXT,
    preferences TEXT,
    avatar BLOB,
    password_hash TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE addresses (
    id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    line1 TEXT NOT NULL,
    line2 TEXT,
    postcode TEXT,
    city TEXT NOT NULL,
    country TEXT NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    created_at TEXT NOT NULL,
    deleted_at TEXT
);

CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL
);

CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    category_id INTEGER NOT NULL REFERENCES categories (id),
    weight_kg TEXT NOT NULL
);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL,
    customer_id TEXT REFERENCES customers (id),
    email TEXT NOT NULL,
    status TEXT NOT NULL,
    channel TEXT NOT NULL,
    placed_at TEXT NOT NULL,
    currency TEXT NOT NULL,
    subtotal TEXT NOT NULL,
    discount TEXT NOT NULL,
    tax TEXT NOT NULL,
    shipping TEXT NOT NULL,
    total TEXT NOT NULL,
    note TEXT
);

CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_price TEXT NOT NULL,
    line_total TEXT NOT NULL,
    PRIMARY KEY (order_id, position)
) WITHOUT ROWID;

CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    method TEXT NOT NULL,
    status TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    card_last_digits TEXT,
    provider_reference TEXT NOT NULL,
    paid_at TEXT NOT NULL
);

CREATE TABLE refunds (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    reason TEXT,
    refunded_at TEXT NOT NULL
);

CREATE TABLE shipments (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    carrier TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    tracking_url TEXT NOT NULL,
    weight_kg TEXT NOT NULL,
    shipped_at TEXT NOT NULL,
    delivered_at TEXT
);

CREATE TABLE reviews (
    id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    product_id INTEGER NOT NULL REFERENCES products (id),
    rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
    body TEXT,
    published INTEGER NOT NULL CHECK (published IN (0, 1)),
    written_at TEXT NOT NULL
);

CREATE TABLE tickets (
    id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    priority TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT
);

CREATE TABLE ticket_messages (
    id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL REFERENCES tickets (id),
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at TEXT NOT NULL
);

CREATE TABLE consents (
    id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    purpose TEXT NOT NULL,
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    wording TEXT NOT NULL,
    source TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    withdrawn_at TEXT
);

CREATE TABLE logins (
    id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    logged_in_at TEXT NOT NULL,
    ip_address TEXT NOT NULL,
    user_agent TEXT,
    succeeded INTEGER NOT NULL CHECK (succeeded IN (0, 1))
);

CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    author TEXT NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    written_at TEXT NOT NULL
);
