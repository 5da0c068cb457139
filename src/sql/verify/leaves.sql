-- The tables with the rows of partitioned tables ($1: oids of the roots).
SELECT wanted.root,
       n.nspname || '.' || c.relname AS label,
       tree.relid::oid AS leaf
  FROM unnest($1::oid[]) AS wanted (root)
  JOIN pg_catalog.pg_class c ON c.oid = wanted.root
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_partition_tree(wanted.root) AS tree
 WHERE tree.isleaf
