-- A database whose tables hang together in every way that a part of a backup must know.
--
-- Loads into an empty database of any PostgreSQL from 15 on, as superuser. Roles as in
-- awkward.sql.

\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Another load, into another database, may make them at the same time; advisory locks are each
-- database's own.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['app_owner', 'reader'] LOOP
        IF to_regrole(role) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;

CREATE EXTENSION citext;
CREATE SCHEMA shop AUTHORIZATION app_owner;
CREATE SCHEMA "We ird";
COMMENT ON SCHEMA shop IS 'what is sold';
GRANT USAGE ON SCHEMA shop TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO reader;

CREATE TYPE shop.state AS ENUM ('new', 'paid', 'sent');
CREATE DOMAIN shop.money_amount AS numeric CHECK (value >= 0);
CREATE COLLATION shop.bytes (provider = libc, locale = 'C');
CREATE SEQUENCE shop.numbers START 1000;
SELECT nextval('shop.numbers') \g /dev/null
CREATE FUNCTION shop.net(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1 / 1.19';
CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN NEW.touched := now(); RETURN NEW; END$$;

CREATE TABLE shop.customers (
    id serial PRIMARY KEY,
    mail citext NOT NULL UNIQUE,
    name text COLLATE shop.bytes
);
INSERT INTO shop.customers (mail, name) SELECT 'c' || g || '@example.org', 'n' || g
FROM generate_series(1, 50) g;

-- The table that somebody drops. Nearly everything that can belong to one.
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY (START 7),
    number bigint NOT NULL DEFAULT nextval('shop.numbers'),
    counter serial,
    customer int NOT NULL,
    state shop.state NOT NULL DEFAULT 'new',
    amount shop.money_amount,
    net numeric GENERATED ALWAYS AS (shop.net(amount)) STORED,
    previous bigint,
    touched timestamptz,
    note text,
    span tstzrange,
    CONSTRAINT "the key" PRIMARY KEY (id),
    CONSTRAINT one_number UNIQUE (number),
    CONSTRAINT late_check UNIQUE (counter) DEFERRABLE,
    CONSTRAINT small CHECK (amount < 1000000),
    CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES shop.customers ON DELETE CASCADE,
    CONSTRAINT follows FOREIGN KEY (previous) REFERENCES shop.orders
) WITH (fillfactor = 90);
INSERT INTO shop.orders (customer, amount, note)
SELECT 1 + g % 50, g, E'note\t' || g FROM generate_series(1, 500) g;
UPDATE shop.orders SET previous = id - 1 WHERE id > 7;
ALTER TABLE shop.orders ALTER COLUMN note SET STORAGE EXTERNAL;
ALTER TABLE shop.orders ALTER COLUMN customer SET STATISTICS 500;
ALTER TABLE shop.orders ALTER COLUMN customer SET (n_distinct = 50);
ALTER TABLE shop.orders ADD CONSTRAINT late CHECK (customer > 0) NOT VALID;
CREATE INDEX orders_state ON shop.orders (state) WHERE state <> 'sent';
CREATE INDEX ON shop.orders ((shop.net(amount)));
ALTER INDEX shop.orders_net_idx ALTER COLUMN 1 SET STATISTICS 200;
CREATE STATISTICS shop.orders_st (dependencies) ON customer, state FROM shop.orders;
CREATE TRIGGER touch BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
ALTER TABLE shop.orders DISABLE TRIGGER touch;
CREATE RULE keep AS ON DELETE TO shop.orders WHERE old.state = 'sent' DO INSTEAD NOTHING;
CREATE POLICY mine ON shop.orders FOR SELECT TO reader USING (amount < 100);
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.orders REPLICA IDENTITY USING INDEX "the key";
ALTER TABLE shop.orders CLUSTER ON "the key";
GRANT SELECT, INSERT ON shop.orders TO reader;
GRANT UPDATE (note) ON shop.orders TO reader;
GRANT USAGE ON SEQUENCE shop.orders_counter_seq TO reader;
COMMENT ON TABLE shop.orders IS 'every order';
COMMENT ON COLUMN shop.orders.note IS 'what the customer said';
COMMENT ON CONSTRAINT small ON shop.orders IS 'no million';
COMMENT ON CONSTRAINT "the key" ON shop.orders IS 'the key';
COMMENT ON INDEX shop.orders_state IS 'open ones';
COMMENT ON TRIGGER touch ON shop.orders IS 'stamps';
COMMENT ON RULE keep ON shop.orders IS 'keeps';
COMMENT ON POLICY mine ON shop.orders IS 'small ones';
COMMENT ON STATISTICS shop.orders_st IS 'correlated';
COMMENT ON SEQUENCE shop.orders_counter_seq IS 'counts';
ALTER TABLE shop.orders OWNER TO app_owner;

-- What points to it
CREATE TABLE shop.items (
    id int PRIMARY KEY,
    order_id bigint CONSTRAINT "of ""order" REFERENCES shop.orders ON DELETE CASCADE
        DEFERRABLE INITIALLY DEFERRED,
    article text
);
INSERT INTO shop.items SELECT g, 7 + g % 500, 'a' || g FROM generate_series(1, 900) g;
COMMENT ON CONSTRAINT "of ""order" ON shop.items IS 'goes with it';
CREATE TABLE "We ird"."items
"".of FOREIGN KEY" ("id (" int PRIMARY KEY, "for" bigint,
    CONSTRAINT "to
orders FOREIGN KEY" FOREIGN KEY ("for") REFERENCES shop.orders (number));
INSERT INTO "We ird"."items
"".of FOREIGN KEY" SELECT g, 1000 + g FROM generate_series(1, 40) g;
-- Two tables of one name, two constraints of one name
CREATE TABLE "We ird".orders (id int PRIMARY KEY, customer int,
    CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES shop.customers);
INSERT INTO "We ird".orders SELECT g, g FROM generate_series(1, 10) g;
CREATE TABLE shop.events (at date NOT NULL, order_id bigint REFERENCES shop.orders, what text)
    PARTITION BY RANGE (at);
CREATE TABLE shop.events_2025 PARTITION OF shop.events
    FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE shop.events_2026 PARTITION OF shop.events
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO shop.events SELECT '2025-06-01'::date + g, 7 + g, 'e' FROM generate_series(1, 400) g;

-- What looks at it
CREATE VIEW shop.open AS SELECT id, customer FROM shop.orders WHERE state = 'new';
CREATE MATERIALIZED VIEW shop.sums AS
    SELECT customer, sum(amount) AS amount FROM shop.orders GROUP BY customer;
CREATE UNIQUE INDEX sums_key ON shop.sums (customer);
CREATE FUNCTION shop.newest() RETURNS shop.orders LANGUAGE sql
    BEGIN ATOMIC SELECT * FROM shop.orders ORDER BY id DESC LIMIT 1; END;
-- A view that its own function needs: pg_dump makes it in two steps
CREATE VIEW shop.circular AS SELECT 1 AS a, 'x'::text AS b;
CREATE FUNCTION shop.of_circular(shop.circular) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW shop.circular AS
    SELECT 1 AS a, 'x'::text AS b
    WHERE shop.of_circular(ROW (1, 'x')::shop.circular) = 1;
-- A primary key that a view needs: made after the rows
CREATE VIEW shop.grouped AS SELECT o.id, o.note, count(*) AS n
    FROM shop.orders o JOIN shop.items i ON i.order_id = o.id GROUP BY o.id;
COMMENT ON VIEW shop.grouped IS 'needs the key';
GRANT SELECT ON shop.grouped TO reader;

-- Partitions: keys, indexes and foreign keys on the root, something of a partition's own
CREATE TABLE shop.log (id bigint GENERATED BY DEFAULT AS IDENTITY, at date NOT NULL, customer int
    REFERENCES shop.customers, line text DEFAULT 'x', PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE shop.log_1 PARTITION OF shop.log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE shop.log_2 PARTITION OF shop.log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')
    PARTITION BY LIST (id);
CREATE TABLE shop.log_2a PARTITION OF shop.log_2 FOR VALUES IN (400, 401);
CREATE TABLE "We ird".log_2b PARTITION OF shop.log_2 DEFAULT;
CREATE INDEX log_line ON shop.log (line);
CREATE INDEX log_own ON shop.log_1 (line, at);
CREATE TRIGGER log_touch AFTER INSERT ON shop.log FOR EACH ROW EXECUTE FUNCTION shop.stamp();
ALTER TABLE shop.log DISABLE TRIGGER log_touch;
GRANT SELECT ON shop.log_1 TO reader;
COMMENT ON TABLE shop.log_1 IS 'a year';
INSERT INTO shop.log (at, customer) SELECT '2020-01-01'::date + g, 1 + g % 9
FROM generate_series(0, 700) g;
CREATE TABLE shop.log_notes (id bigint, at date, FOREIGN KEY (id, at) REFERENCES shop.log);
INSERT INTO shop.log_notes SELECT id, at FROM shop.log LIMIT 20;
CREATE TABLE shop.by_state (k shop.state, v int) PARTITION BY HASH (k);
CREATE TABLE shop.by_state_0 PARTITION OF shop.by_state FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.by_state_1 PARTITION OF shop.by_state FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO shop.by_state SELECT (ARRAY['new', 'paid', 'sent'])[1 + g % 3]::shop.state, g
FROM generate_series(1, 300) g;

-- Inheritance, a table of a type, a foreign table
CREATE TABLE shop.parent (a int, b text);
CREATE TABLE shop.child (c int) INHERITS (shop.parent);
INSERT INTO shop.parent VALUES (1, 'p');
INSERT INTO shop.child VALUES (2, 'c', 3);
CREATE TYPE shop.pair AS (x int, y text);
CREATE TABLE shop.typed OF shop.pair (PRIMARY KEY (x));
INSERT INTO shop.typed VALUES (1, 'one');
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
CREATE FOREIGN TABLE shop.far (a int NOT NULL, b text OPTIONS (column_name 'bb')) SERVER elsewhere;

-- Names
CREATE TABLE "We ird"."T" (a serial PRIMARY KEY, "b ""c" text UNIQUE);
INSERT INTO "We ird"."T" ("b ""c") VALUES ('x'), ('y');
CREATE TABLE "We ird"."dot.ted" (a int);
CREATE TABLE "Upper" (a int);
INSERT INTO "Upper" VALUES (1);
CREATE TABLE plain (a int NOT NULL, b shop.state DEFAULT 'new');
INSERT INTO plain VALUES (1), (2);
ALTER TABLE plain ALTER COLUMN a SET STATISTICS 7;

-- The whole database's
CREATE PUBLICATION pub FOR TABLE shop.orders WHERE (id > 0), plain;
CREATE PUBLICATION everything FOR TABLES IN SCHEMA shop;
CREATE FUNCTION evt() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM 1; END$$;
CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION evt();
SELECT lo_from_bytea(4711, 'abc') \g /dev/null
SELECT lo_from_bytea(4712, 'def') \g /dev/null
COMMENT ON LARGE OBJECT 4712 IS 'one';
ANALYZE;
