-- Which of these foreign keys are there: $1 their tables (quoted qualified names), $2 their names.
SELECT (given.position - 1)::int4 AS number
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (relation, name, position)
  JOIN pg_catalog.pg_constraint c
    ON c.conrelid = to_regclass(given.relation)
   AND c.conname = given.name
   AND c.contype = 'f'
