\echo Use "CREATE EXTENSION pgtend_config" to load this file. \quit

-- The extension ships rows of its own, which a dump must leave out.
CREATE TABLE setting (name text PRIMARY KEY, value text, shipped boolean NOT NULL DEFAULT false);
INSERT INTO setting VALUES ('version', '1.0', true), ('mode', 'safe', true);
SELECT pg_catalog.pg_extension_config_dump('setting', 'WHERE NOT shipped');

CREATE TABLE job (id serial, command text);
SELECT pg_catalog.pg_extension_config_dump('job', '');
SELECT pg_catalog.pg_extension_config_dump('job_id_seq', '');

-- No configuration: its rows are the extension's own.
CREATE TABLE unit (name text PRIMARY KEY);
INSERT INTO unit VALUES ('metre'), ('second');
