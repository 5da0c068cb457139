-- Which of these ($1: schemas, $2: names) are sequences, in that order.
SELECT coalesce(c.relkind = 'S', false) AS is_sequence
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, name, place)
  LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
    ON n.nspname = wanted.schema
   AND c.relname = wanted.name
 ORDER BY wanted.place
