-- Tables by name ($1: schemas, $2: names), in that order, with the root of their partition tree.
SELECT c.oid,
       c.relkind::text AS kind,
       pg_partition_root(c.oid)::oid AS root,
       EXISTS (SELECT
                 FROM pg_catalog.pg_attribute a
                 JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                WHERE a.attrelid = c.oid
                  AND a.attnum > 0
                  AND 'money'::regtype IN (t.oid, t.typelem, t.typbasetype)) AS has_money
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, name, place)
  LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
    ON n.nspname = wanted.schema
   AND c.relname = wanted.name
 ORDER BY wanted.place
