"""The advertisers of Citus' tutorial on software for many tenants: every key but the company's own is composite.

https://docs.citusdata.com/en/stable/get_started/tutorial_multi_tenant.html has the tables and their columns. The rows
are made here, some of them with an ad that is not known, as the foreign keys allow.
"""

import psycopg
from foreign_database import ForeignDatabase

from servers import PostgresqlServer

COMPANIES = 12
CUSTOMERS = tuple(range(1, 11))

_TIMES = "created_at timestamp without time zone NOT NULL, updated_at timestamp without time zone NOT NULL"
_EVENT = "site_url text NOT NULL, user_ip inet NOT NULL, user_data jsonb NOT NULL, PRIMARY KEY (company_id, id)"
_TABLES = f"""
CREATE TABLE companies (id bigserial PRIMARY KEY, name text NOT NULL, image_url text, {_TIMES});
CREATE TABLE campaigns (
    id bigserial, company_id bigint REFERENCES companies (id), name text NOT NULL, cost_model text NOT NULL,
    state text NOT NULL, monthly_budget bigint, blacklisted_site_urls text[], {_TIMES}, PRIMARY KEY (company_id, id)
);
CREATE TABLE ads (
    id bigserial, company_id bigint, campaign_id bigint, name text NOT NULL, image_url text, target_url text,
    impressions_count bigint DEFAULT 0, clicks_count bigint DEFAULT 0, {_TIMES}, PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id)
);
CREATE TABLE clicks (
    id bigserial, company_id bigint, ad_id bigint, clicked_at timestamp without time zone NOT NULL,
    cost_per_click_usd numeric(20, 10), {_EVENT}, FOREIGN KEY (company_id, ad_id) REFERENCES ads (company_id, id)
);
CREATE TABLE impressions (
    id bigserial, company_id bigint, ad_id bigint, seen_at timestamp without time zone NOT NULL,
    cost_per_impression_usd numeric(20, 10), {_EVENT}, FOREIGN KEY (company_id, ad_id) REFERENCES ads (company_id, id)
);
"""
_ROWS = f"""
INSERT INTO companies SELECT n, 'Company ' || n, 'https://ads.example/' || n, '2026-01-01', '2026-01-02'
FROM generate_series(1, {COMPANIES}) n;
INSERT INTO campaigns
SELECT n, n % {COMPANIES} + 1, 'Campaign ' || n, 'cost_per_click', 'running', 1200, ARRAY['a.example'], '2026-02-01',
    '2026-02-01'
FROM generate_series(1, 40) n;
INSERT INTO ads
SELECT n, company_id, CASE WHEN n % 9 > 0 THEN c.id END, 'Ad ' || n, 'https://ads.example/i', 'https://ads.example/t',
    10, 2, '2026-03-01', '2026-03-01'
FROM generate_series(1, 120) n JOIN campaigns c ON c.id = n % 40 + 1;
INSERT INTO clicks
SELECT n, company_id, CASE WHEN n % 7 > 0 THEN a.id END, timestamp '2026-04-01' + n * interval '1 hour', 0.0123456789,
    'https://a.example', '10.0.0.1', '{{"n": 1}}'
FROM generate_series(1, 600) n JOIN ads a ON a.id = n % 120 + 1;
INSERT INTO impressions
SELECT n, company_id, a.id, timestamp '2026-04-01' + n * interval '1 minute', 0.0000000001, 'https://a.example', '::1',
    '{{}}'
FROM generate_series(1, 900) n JOIN ads a ON a.id = n % 120 + 1;
"""

OWNED = {"companies": "id = :customer"} | dict.fromkeys(
    ("campaigns", "ads", "clicks", "impressions"), "company_id = :customer"
)


def make_postgresql(server: PostgresqlServer) -> ForeignDatabase:
    """Make and fill the tables in a database of the server."""
    url = server.create_database("advertising")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TABLES)
        connection.execute(_ROWS)
    return ForeignDatabase(url=url, customers=CUSTOMERS, owned=OWNED)
