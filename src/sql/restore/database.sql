-- What is known of the database named $1: its comment, and who is connected.
SELECT d.oid,
       pg_catalog.shobj_description(d.oid, 'pg_database') AS comment,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) AS sessions
  FROM pg_catalog.pg_database d
 WHERE d.datname = $1
