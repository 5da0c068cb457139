-- Every database of the server, with what speaks against backing it up; $1 are patterns of
-- databases to leave out, as regular expressions.
SELECT d.datname::text AS name,
       d.datistemplate AS is_template,
       d.datallowconn AS takes_connections,
       d.datconnlimit = -2 AS is_invalid,
       pg_catalog.has_database_privilege(d.oid, 'CONNECT') AS may_connect,
       ARRAY(SELECT p.number::pg_catalog.int4
               FROM pg_catalog.unnest($1) WITH ORDINALITY AS p (pattern, number)
              WHERE d.datname OPERATOR(pg_catalog.~) p.pattern COLLATE pg_catalog."default")
         AS excluded_by
  FROM pg_catalog.pg_database d
 ORDER BY d.datname
