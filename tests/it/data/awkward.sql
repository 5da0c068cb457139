-- Everything that is hard to dump and restore faithfully, in one database.
--
-- Loads into an empty database of any PostgreSQL from 15 on:
--     psql -X -v ON_ERROR_STOP=1 -f awkward.sql EMPTY_DATABASE
-- Needs contrib (hstore, citext, ltree, cube, postgres_fdw) and the tests' own extension pgtend_config, which
-- scripts/setup installs. Run it as superuser. Roles belong to the whole cluster, so they are made
-- only where they are missing, and the file may be loaded into several databases.

\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
SET check_function_bodies = on;

-- Another load, into another database, may make them at the same time; advisory locks are each
-- database's own.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['app_owner', 'reader', 'lo_owner'] LOOP
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

-- Extensions, one of them with rows that belong to the user
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE EXTENSION cube;
CREATE SCHEMA pgtend_config;
CREATE EXTENSION pgtend_config;
INSERT INTO pgtend_config.setting VALUES ('colour', E'gr\tün', false), ('empty', NULL, false);
INSERT INTO pgtend_config.job (command) VALUES ('vacuum'), (E'line\nbreak');

-- Schemas, types, default rights
CREATE SCHEMA app AUTHORIZATION app_owner;
CREATE SCHEMA "we""ird (s";
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN app.pos AS int CHECK (value > 0);
CREATE TYPE app.pair AS (x int, y text);
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader;

-- A hash of an enum depends on the OIDs of its labels: after a restore the same row may belong to
-- the other partition, so it can only be loaded through the root.
CREATE TABLE app.root (k app.mood, v int) PARTITION BY HASH (k);
CREATE TABLE app.p0 PARTITION OF app.root FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.p1 PARTITION OF app.root FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO app.root
SELECT (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::app.mood, g FROM generate_series(1, 3000) g;

-- Partitions by range and list, a default, two levels, a detached column order, foreign keys to it
CREATE TABLE pp (id int, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE pp1 PARTITION OF pp FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE pp2 (d date NOT NULL, gone int, id int NOT NULL);
ALTER TABLE pp2 DROP COLUMN gone;
ALTER TABLE pp ATTACH PARTITION pp2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE pp3 PARTITION OF pp FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')
    PARTITION BY LIST (id);
CREATE TABLE pp3a PARTITION OF pp3 FOR VALUES IN (1, 2, 3);
CREATE TABLE ppd PARTITION OF pp DEFAULT;
INSERT INTO pp VALUES (1, '2020-05-05'), (2, '2021-05-05'), (3, '2022-05-05'), (4, '2030-01-01');
CREATE TABLE pref (id int, d date, FOREIGN KEY (id, d) REFERENCES pp);
INSERT INTO pref VALUES (1, '2020-05-05');

-- Names
CREATE TABLE "we""ird (s"."ta
ble ""(x) FROM stdin;" (
    "co,l""1 (" int,
    "b
c" text,
    gen int GENERATED ALWAYS AS ("co,l""1 (" * 2) STORED,
    dropped int
);
ALTER TABLE "we""ird (s"."ta
ble ""(x) FROM stdin;" DROP COLUMN dropped;
INSERT INTO "we""ird (s"."ta
ble ""(x) FROM stdin;" ("co,l""1 (", "b
c")
SELECT g, E'a\tb\\\n\\.\r' || g FROM generate_series(1, 500) g;
CREATE TABLE "../../etc/passwd" (a int);
INSERT INTO "../../etc/passwd" VALUES (1);
CREATE TABLE "Größe 雪 🐘" ("ключ" int, "emoji 🙂" text);
INSERT INTO "Größe 雪 🐘" VALUES (1, 'ß'), (2, E'\u2028');
CREATE TABLE "quote'and\back%slash $$ ; --" (a int);
INSERT INTO "quote'and\back%slash $$ ; --" VALUES (1);
CREATE TABLE "  spaces  " ("  " int);
INSERT INTO "  spaces  " VALUES (1);
CREATE TABLE "Table" (a int);
CREATE TABLE "table" (a int);
INSERT INTO "Table" VALUES (1);
INSERT INTO "table" VALUES (2), (3);
CREATE TABLE "select" ("from" int, "order" int);
INSERT INTO "select" VALUES (1, 2);
CREATE TABLE a_name_of_exactly_sixty_three_bytes_as_postgresql_allows_no_mor (a int);
INSERT INTO a_name_of_exactly_sixty_three_bytes_as_postgresql_allows_no_mor VALUES (63);

-- Shapes of tables
CREATE TABLE zero ();
INSERT INTO zero DEFAULT VALUES;
INSERT INTO zero DEFAULT VALUES;
CREATE TABLE onlygen (g int GENERATED ALWAYS AS (1) STORED);
INSERT INTO onlygen DEFAULT VALUES;
CREATE TABLE dropped_columns (a int, b text, c int, d text);
INSERT INTO dropped_columns SELECT g, 'b' || g, g * 2, 'd' || g FROM generate_series(1, 100) g;
ALTER TABLE dropped_columns DROP COLUMN a, DROP COLUMN c;
ALTER TABLE dropped_columns ADD COLUMN e int DEFAULT 42;
CREATE TABLE empty (a int, b text);
CREATE TABLE all_dropped (a int);
INSERT INTO all_dropped VALUES (1), (2), (3);
ALTER TABLE all_dropped DROP COLUMN a;
CREATE UNLOGGED TABLE ul (a int);
INSERT INTO ul VALUES (1);
CREATE TABLE typed OF app.pair;
INSERT INTO typed VALUES (1, 'one');

-- A column that the parent got late stands elsewhere in the child after a restore
CREATE TABLE par (a int, b text);
CREATE TABLE chi (c int) INHERITS (par);
INSERT INTO par VALUES (1, 'p');
INSERT INTO chi VALUES (2, 'c', 3);
ALTER TABLE par ADD COLUMN late int DEFAULT 7;
INSERT INTO chi (a, b, c, late) VALUES (5, 'x', 6, 8);
ALTER TABLE chi ALTER COLUMN late SET DEFAULT 9;
COMMENT ON COLUMN par.a IS 'a comment; with '' a quote';
CREATE STATISTICS st (dependencies) ON a, b FROM par;
ALTER TABLE par REPLICA IDENTITY FULL;

-- Sequences: identity, serial, owned, unowned, not yet called, descending, exhausted
CREATE TABLE idt (
    id int GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10),
    d bigint GENERATED BY DEFAULT AS IDENTITY,
    s serial,
    bs bigserial,
    x app.pos
);
INSERT INTO idt (x) VALUES (1), (2), (3);
CREATE SEQUENCE sq;
SELECT nextval('sq'), nextval('sq') \g /dev/null
CREATE SEQUENCE uncalled START 50;
CREATE SEQUENCE "Down ""1""" INCREMENT -5 MINVALUE -100 MAXVALUE -1 CACHE 7;
SELECT nextval('"Down ""1"""') \g /dev/null
CREATE SEQUENCE ended AS smallint MAXVALUE 2;
SELECT nextval('ended'), nextval('ended') \g /dev/null
CREATE RULE rr AS ON INSERT TO idt WHERE false DO INSTEAD NOTHING;

-- Foreign keys in a circle, to itself, not valid, deferrable; a clustered table
CREATE TABLE fa (id int PRIMARY KEY, b int);
CREATE TABLE fb (id int PRIMARY KEY, a int REFERENCES fa);
ALTER TABLE fa ADD FOREIGN KEY (b) REFERENCES fb DEFERRABLE;
INSERT INTO fa VALUES (1, NULL);
INSERT INTO fb VALUES (1, 1);
UPDATE fa SET b = 1;
ALTER TABLE fa ADD CONSTRAINT ck CHECK (id > 0) NOT VALID;
CLUSTER fa USING fa_pkey;
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree);
INSERT INTO tree VALUES (3, 3), (1, 3), (2, 1);

-- Triggers that would spoil a load, enabled always, disabled, replica; rules
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'trigger fired'; END$$;
CREATE TABLE trig (a int);
INSERT INTO trig VALUES (1);
CREATE TRIGGER tr BEFORE INSERT ON trig FOR EACH ROW EXECUTE FUNCTION trg();
CREATE TRIGGER tr2 BEFORE INSERT ON trig FOR EACH ROW EXECUTE FUNCTION trg();
CREATE TRIGGER tr3 BEFORE INSERT ON trig FOR EACH ROW EXECUTE FUNCTION trg();
ALTER TABLE trig DISABLE TRIGGER tr2;
ALTER TABLE trig ENABLE ALWAYS TRIGGER tr;
ALTER TABLE trig ENABLE REPLICA TRIGGER tr3;
CREATE TABLE ruled (a int);
INSERT INTO ruled VALUES (1);
CREATE RULE swallow AS ON INSERT TO ruled DO INSTEAD NOTHING;

-- Rights: row-level security also for the owner, rights taken from the owner, column rights
CREATE TABLE rl (a int);
INSERT INTO rl SELECT generate_series(1, 10);
ALTER TABLE rl ENABLE ROW LEVEL SECURITY;
ALTER TABLE rl FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON rl USING (a < 5);
CREATE TABLE ro (a int, b int);
ALTER TABLE ro OWNER TO app_owner;
INSERT INTO ro VALUES (1, 10), (2, 20);
REVOKE INSERT, UPDATE, DELETE ON ro FROM app_owner;
GRANT SELECT (a) ON ro TO reader;

-- Views, materialised views on each other, one that was never filled
CREATE MATERIALIZED VIEW mv1 AS SELECT a, count(*) AS n FROM par GROUP BY a;
CREATE MATERIALIZED VIEW mv2 AS SELECT sum(n) AS s FROM mv1;
CREATE UNIQUE INDEX ON mv1 (a);
CREATE MATERIALIZED VIEW mv_unpop AS SELECT 1 AS x WITH NO DATA;
CREATE VIEW vw AS SELECT * FROM mv1;

-- A function that is used by an index and reads through the search path
CREATE FUNCTION app.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
CREATE TABLE indexed (a int CHECK (app.twice(a) > 0), EXCLUDE USING gist (cube(a) WITH =));
INSERT INTO indexed SELECT generate_series(1, 20);
CREATE INDEX ON indexed (app.twice(a)) WHERE a > 3;

-- Smaller kinds of objects
CREATE TYPE app.span AS RANGE (subtype = float8);
CREATE COLLATION app.bytes (provider = libc, locale = 'C');
CREATE AGGREGATE app.total (int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE OPERATOR app.<+> (leftarg = int, rightarg = int, function = int4pl);
CREATE TEXT SEARCH CONFIGURATION app.words (copy = simple);
CREATE PROCEDURE app.nothing() LANGUAGE sql AS '';
CREATE CAST (app.pair AS text) WITH INOUT;
CREATE TABLE collated (a text COLLATE app.bytes, s app.span);
INSERT INTO collated VALUES ('ä', '[1,2)'), ('z', 'empty');

-- A foreign table: nobody answers there, so whoever reads it fails; a password in a user mapping
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
CREATE USER MAPPING FOR reader SERVER elsewhere OPTIONS (user 'u', password 'not a secret');
CREATE FOREIGN TABLE far (a int) SERVER elsewhere;

-- One value of nearly every type, in the form that is easiest to get wrong
CREATE TABLE allt (
    f4 float4, f8 float8, m money, iv interval, ts timestamptz, tz timetz, by bytea, x xml,
    j json, jb jsonb, rc regclass, rr regrole, rp regprocedure, o oid, xi xid, x8 xid8, t tid,
    ls pg_lsn, sn pg_snapshot, c1 "char", ar int[], tv tsvector, h hstore, ci citext, lt ltree,
    cb cube, bx box, po polygon, mr int4multirange, r tstzrange, nm name, bt bit varying,
    mac macaddr8, ip inet, ac aclitem, n numeric, en app.mood[], co app.pair, dt date
);
INSERT INTO allt VALUES (
    1.1, 0.1 + 0.2, 1234.56, '-1 mon +1 day -02:03:04.5', '2026-11-20 10:00+03', '10:00+02',
    E'\\x00ff5c', '<a/>x', '{"b":1, "a":1, "a":2}', '{"b":1,"a":2}', 'par'::regclass, 'reader',
    'trg()'::regprocedure, 1, '5', '6', '(1,2)', '0/16', '10:20:10,14', E'\\377'::"char",
    '[2:3]={7,8}', 'a:1A b', 'a=>1,b=>NULL', 'Foo', 'a.b', '(1,2),(3,4)', '(1,2),(3,4)',
    '((0,0),(1,1),(1,0))', '{[1,3),[5,7)}', '[2020-01-01,2021-01-01)', 'nm', '101',
    '08:00:2b:01:02:03:04:05', '::1', 'reader=r/postgres', 1e-30, '{sad,NULL}', '(1,"a ""b""")',
    '4713-01-01 BC'
);
INSERT INTO allt (f4, f8, ts, dt, n, iv) VALUES
    ('NaN', '-Infinity', 'infinity', '-infinity', 'NaN', '1 year 2 mons -3 days'),
    ('-0', '5e-324', '294276-12-31 23:59:59.999999+00', '5874897-12-31', -1e100, '0');

-- Rows of 1 MB that one heap page points to: a chunk by pages cannot be small
CREATE TABLE toasted (id int PRIMARY KEY, big text) WITH (fillfactor = 100);
ALTER TABLE toasted ALTER COLUMN big SET STORAGE EXTERNAL;
INSERT INTO toasted
SELECT g, repeat(md5(g::text), 32 * 1024) FROM generate_series(1, 40) g;
CREATE TABLE compressed (a text COMPRESSION pglz);
INSERT INTO compressed SELECT repeat('pgtend ' || g, 20000) FROM generate_series(1, 5) g;

-- Publications, an event trigger
CREATE PUBLICATION pub FOR TABLE par, fa WHERE (id > 0);
CREATE PUBLICATION puball FOR TABLES IN SCHEMA app;
CREATE FUNCTION evt() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM 1; END$$;
CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION evt();

-- Large objects: many, empty, sparse, with owners, rights, comments
SELECT count(lo_from_bytea(100000 + g, decode(repeat('ab', g % 5000), 'hex')))
FROM generate_series(1, 300) g \g /dev/null
ALTER LARGE OBJECT 100001 OWNER TO lo_owner;
ALTER LARGE OBJECT 100002 OWNER TO lo_owner;
GRANT SELECT ON LARGE OBJECT 100003 TO reader;
GRANT SELECT, UPDATE ON LARGE OBJECT 100001 TO reader WITH GRANT OPTION;
COMMENT ON LARGE OBJECT 100004 IS 'a comment on a large object';
SELECT lo_create(999999) \g /dev/null
SELECT lo_from_bytea(888888, '') \g /dev/null
SELECT lo_put(888888, 10000000, 'tail') \g /dev/null
