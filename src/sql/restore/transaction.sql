-- What became of a transaction of ours ($1) whose connection was lost; NULL when the server no
-- longer knows.
SELECT pg_catalog.pg_xact_status(($1::text)::pg_catalog.xid8) AS status
