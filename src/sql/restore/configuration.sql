-- What of these tables (quoted qualified names) an extension's author calls the user's own rows:
-- the text that follows FROM.
SELECT (given.position - 1)::int4 AS number,
       u.condition
  FROM unnest($1::text[]) WITH ORDINALITY AS given (relation, position)
  JOIN pg_catalog.pg_extension e ON to_regclass(given.relation)::oid = ANY (e.extconfig)
 CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS u (relation, condition)
 WHERE u.relation = to_regclass(given.relation)::oid
