-- A database as applications on managed servers have it, and one of everything that only a
-- superuser may create. For PostgreSQL 15 and later; roles are made where they are missing.
SET client_min_messages = error;
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['app_owner', 'reader', 'auditor', 'od"d ro;le', 'rdsadmin'] LOOP
        IF to_regrole(quote_ident(role)) IS NULL THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
    END LOOP;
END
$$;

-- Trusted and not; members with rights of their own
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pg_buffercache;
CREATE EXTENSION postgres_fdw;
CREATE SCHEMA pgtend_config;
CREATE EXTENSION pgtend_config;
INSERT INTO pgtend_config.setting VALUES ('colour', 'red', false);
GRANT SELECT ON pg_buffercache TO reader;
GRANT SELECT ON pg_authid TO reader;
GRANT EXECUTE ON FUNCTION pg_stat_reset() TO reader;

-- Owners, in their own schema and in public
CREATE SCHEMA app AUTHORIZATION app_owner;
CREATE TABLE app.customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tags hstore, name text);
CREATE TABLE app.plain (id serial PRIMARY KEY, name text);
CREATE TABLE public.shared (id bigserial PRIMARY KEY, note text DEFAULT 'x');
CREATE TABLE public.audit (id int);
ALTER TABLE app.customer OWNER TO app_owner;
ALTER TABLE app.plain OWNER TO app_owner;
ALTER TABLE public.shared OWNER TO app_owner;
ALTER TABLE public.audit OWNER TO auditor;
CREATE INDEX ON app.plain USING gin (name gin_trgm_ops);
CREATE VIEW app.tagged AS SELECT id FROM app.customer WHERE tags ? 'x';
CREATE VIEW app.cached AS SELECT count(*) AS buffers FROM pg_buffercache;
CREATE VIEW app.counted AS SELECT buffers + 1 AS n FROM app.cached;
COMMENT ON VIEW app.counted IS 'of buffers';
GRANT SELECT ON app.counted TO reader;
INSERT INTO app.customer (tags, name) VALUES ('x=>1', 'one'), (NULL, 'two');
INSERT INTO app.plain (name) VALUES ('one'), ('two');

-- Rights: columns, given on by others, taken from the owner, for all to come; policies
GRANT USAGE ON SCHEMA app TO reader, auditor;
GRANT SELECT ON app.plain TO reader WITH GRANT OPTION;
GRANT SELECT (id) ON app.customer TO "od""d ro;le", auditor;
SET SESSION AUTHORIZATION reader;
GRANT SELECT ON app.plain TO auditor;
RESET SESSION AUTHORIZATION;
REVOKE DELETE ON app.plain FROM app_owner;
REVOKE CREATE ON SCHEMA public FROM rdsadmin;
GRANT ALL ON SCHEMA public TO rdsadmin;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON SEQUENCES TO auditor;
ALTER TABLE app.plain ENABLE ROW LEVEL SECURITY;
CREATE POLICY named ON app.plain FOR SELECT TO reader, "od""d ro;le" USING (name = 'TO x');
CREATE POLICY everybody ON app.plain AS RESTRICTIVE USING (true);
COMMENT ON POLICY named ON app.plain IS 'a policy';
COMMENT ON SCHEMA public IS 'changed';

-- What only a superuser may create
CREATE FUNCTION app.internal(int) RETURNS int LANGUAGE internal AS 'int4abs';
CREATE FUNCTION app.leakproof() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';
CREATE FUNCTION app.replica() RETURNS int LANGUAGE sql SET session_replication_role = replica
    AS 'SELECT 1';
CREATE FUNCTION app.safe() RETURNS int LANGUAGE sql SET search_path = '' SET "TimeZone" = 'UTC'
    AS 'SELECT 1';
CREATE VIEW app.leaks AS SELECT app.leakproof();
CREATE TYPE app.base;
CREATE FUNCTION app.base_in(cstring) RETURNS app.base LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.base_out(app.base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.base (INPUT = app.base_in, OUTPUT = app.base_out, LIKE = int4);
CREATE TABLE app.based (b app.base);
INSERT INTO app.based VALUES ('1');
CREATE CAST (int AS app.base) WITHOUT FUNCTION;
CREATE OPERATOR FAMILY app.family USING btree;
CREATE OPERATOR CLASS app.class FOR TYPE int4 USING btree AS
    OPERATOR 1 <, FUNCTION 1 btint4cmp(int4, int4);
CREATE AGGREGATE app.internal_state (int8) (sfunc = int8_avg_accum, stype = internal,
    finalfunc = numeric_poly_avg);
CREATE AGGREGATE app.counted_all (*) (sfunc = int8inc, stype = int8, initcond = '0');
CREATE TEXT SEARCH PARSER app.parser
    (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE app.template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH CONFIGURATION app.parsed (PARSER = app.parser);
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.other_heap (a int) USING heap2;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1');
CREATE USER MAPPING FOR "od""d ro;le" SERVER far OPTIONS (user 'u');
CREATE USER MAPPING FOR public SERVER far;
CREATE FOREIGN TABLE app.away (a int) SERVER far;
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION app.on_ddl();
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA app;
CREATE PUBLICATION of_table FOR TABLE app.plain;
CREATE SUBSCRIPTION sub CONNECTION 'dbname=x password=y' PUBLICATION p
    WITH (connect = false, slot_name = NONE);

-- What a plain role may create
CREATE CONVERSION app.conversion FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY app.words (TEMPLATE = simple);
CREATE COLLATION app.bytes (provider = libc, locale = 'C');
CREATE TYPE app.pair AS (x int, y text);
CREATE CAST (app.pair AS text) WITH INOUT;
CREATE TYPE app.span AS RANGE (subtype = float8);
CREATE OPERATOR app.<+> (leftarg = int, rightarg = int, function = int4pl);
CREATE STATISTICS app.st (dependencies) ON id, name FROM app.plain;
SELECT lo_from_bytea(5000, 'abc');
ALTER LARGE OBJECT 5000 OWNER TO app_owner;
GRANT SELECT ON LARGE OBJECT 5000 TO reader;
COMMENT ON LARGE OBJECT 5000 IS 'large';
SELECT lo_from_bytea(5001, 'def');
