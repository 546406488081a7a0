-- Made after the rows, which is quicker. One for every link of the map, and one for guests' e-mail addresses.

CREATE UNIQUE INDEX customers_email ON customers (lower(email));
CREATE INDEX addresses_customer ON addresses (customer_id);
CREATE UNIQUE INDEX orders_number ON orders (number);
CREATE INDEX orders_customer ON orders (customer_id, placed_at);
CREATE INDEX orders_guest_email ON orders (lower(email)) WHERE customer_id IS NULL;
CREATE INDEX order_items_product ON order_items (product_id);
CREATE INDEX payments_order ON payments (order_id);
CREATE INDEX refunds_order ON refunds (order_id);
CREATE INDEX shipments_order ON shipments (order_id);
CREATE INDEX reviews_customer ON reviews (customer_id);
CREATE INDEX reviews_product ON reviews (product_id);
CREATE INDEX tickets_customer ON tickets (customer_id);
CREATE INDEX ticket_messages_ticket ON ticket_messages (ticket_id);
CREATE INDEX consents_customer ON consents (customer_id);
CREATE INDEX logins_customer ON logins (customer_id);
CREATE INDEX notes_customer ON notes (customer_id);
CREATE INDEX products_category ON products (category_id);
