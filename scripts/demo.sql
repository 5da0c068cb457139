-- The demo's database: a shop of about 270 MB with what is hard about real ones.
-- psql -v ON_ERROR_STOP=1 -f scripts/demo.sql
SET client_min_messages = warning;
SET synchronous_commit = off;
SELECT setseed(0.42);

CREATE SCHEMA shop;
SET search_path = shop;

CREATE TYPE status AS ENUM ('new', 'paid', 'sent', 'returned');

CREATE TABLE customer (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text NOT NULL,
    email  text NOT NULL UNIQUE CHECK (email LIKE '%@%'),
    joined timestamptz NOT NULL
);
INSERT INTO customer (name, email, joined)
SELECT 'Customer ' || n, 'customer' || n || '@example.com',
       timestamptz '2020-01-01 00:00Z' + n * interval '17 minutes'
FROM generate_series(1::bigint, 100000) AS n;

-- One big table, in partitions by year.
CREATE SEQUENCE order_number START 100000;
CREATE TABLE orders (
    number   bigint NOT NULL DEFAULT nextval('shop.order_number'),
    customer bigint NOT NULL REFERENCES customer,
    placed   timestamptz NOT NULL,
    status   status NOT NULL,
    amount   numeric(12, 2) NOT NULL,
    remark   text,
    PRIMARY KEY (number, placed)
) PARTITION BY RANGE (placed);
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01 00:00Z') TO ('2025-01-01 00:00Z');
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01 00:00Z') TO ('2026-01-01 00:00Z');
CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01 00:00Z') TO ('2027-01-01 00:00Z');
INSERT INTO orders (customer, placed, status, amount, remark)
SELECT 1 + n * 7919 % 100000, timestamptz '2024-01-01 00:00Z' + n * interval '117 seconds',
       (enum_range(NULL::status))[1 + n % 4], n % 100000 / 100.0,
       CASE WHEN n % 3 = 0 THEN E'leave it\twith the neighbour\n' || md5(n::text) END
FROM generate_series(1::bigint, 800000) AS n;

CREATE TABLE event (
    id   bigserial PRIMARY KEY,
    at   timestamptz NOT NULL,
    data jsonb NOT NULL
);
INSERT INTO event (at, data)
SELECT timestamptz '2026-01-01 00:00Z' + n * interval '1 second',
       jsonb_build_object('kind', CASE n % 3 WHEN 0 THEN 'view' WHEN 1 THEN 'click' ELSE 'buy' END,
                          'session', md5(n::text), 'path', '/item/' || n % 5000,
                          'tags', jsonb_build_array(n % 10, n % 100, NULL), 'price', n % 1000 / 10.0)
FROM generate_series(1, 250000) AS n;

-- Values of 30 to 100 kB, stored out of line (TOAST).
CREATE TABLE document (id serial PRIMARY KEY, title text NOT NULL, body text NOT NULL);
ALTER TABLE document ALTER body SET STORAGE EXTERNAL;
INSERT INTO document (title, body)
SELECT 'Document ' || n, repeat(md5(n::text) || E' \\ \t ü€😀\n', 600 + n % 1400)
FROM generate_series(1, 600) AS n;

CREATE TABLE attachment (
    document int NOT NULL REFERENCES document ON DELETE CASCADE,
    part     int NOT NULL,
    data     bytea NOT NULL,
    PRIMARY KEY (document, part)
);
INSERT INTO attachment
SELECT d, p, (SELECT string_agg(sha512((d || '.' || p || '.' || n)::bytea), '') FROM generate_series(1, 400) AS n)
FROM generate_series(1, 600) AS d, generate_series(1, 2) AS p;

-- Large objects; nothing but their number ties them to a row.
CREATE TABLE scan (customer bigint REFERENCES customer, image oid NOT NULL);
INSERT INTO scan
SELECT n, lo_from_bytea(0, (SELECT string_agg(sha512((n || ':' || m)::bytea), '') FROM generate_series(1, 1000) AS m))
FROM generate_series(1, 30) AS n;

CREATE INDEX ON orders (customer);
CREATE INDEX ON event USING gin (data jsonb_path_ops);
CREATE MATERIALIZED VIEW revenue AS
    SELECT date_trunc('month', placed) AS month, status, count(*) AS orders, sum(amount) AS amount
    FROM orders GROUP BY 1, 2;
CREATE UNIQUE INDEX ON revenue (month, status);
CREATE VIEW latest_orders AS SELECT * FROM orders ORDER BY placed DESC LIMIT 100;
COMMENT ON TABLE orders IS 'one row for each order; partitioned by year';
ANALYZE;
