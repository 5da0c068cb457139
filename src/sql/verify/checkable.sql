-- Btree indexes and tables with rows on disk that amcheck can look at, largest first; with those
-- of TOAST.
SELECT c.oid,
       c.relkind = 'i' AS is_index,
       coalesce(n.nspname || '.' || c.relname, c.relname) AS label,
       nt.nspname || '.' || t.relname AS table_label,
       pg_relation_size(c.oid) AS bytes
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
  -- The table itself, the index's, or the one that a TOAST table is of.
  LEFT JOIN pg_catalog.pg_class o ON o.reltoastrelid = coalesce(i.indrelid, c.oid)
  JOIN pg_catalog.pg_class t ON t.oid = coalesce(o.oid, i.indrelid, c.oid)
  JOIN pg_catalog.pg_namespace nt ON nt.oid = t.relnamespace
 WHERE ((c.relkind = 'i' AND m.amname = 'btree' AND i.indisready AND i.indisvalid)
        OR (c.relkind IN ('r', 'm') AND m.amname = 'heap'))
   AND c.relpersistence <> 't'
   AND nt.nspname !~ '^pg_'
   AND nt.nspname <> 'information_schema'
 ORDER BY 5 DESC, 1
