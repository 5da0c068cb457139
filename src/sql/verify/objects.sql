-- What is there, as pg_dump's table of contents names it, and whether it is in force.
-- `inherited`: made and judged with its parent's, so the archive has no entry of its own.
SELECT o.kind, n.nspname::text AS schema, o.name, o.is_valid, o.inherited
  FROM (SELECT CASE c.relkind
                 WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'TABLE' WHEN 'f' THEN 'FOREIGN TABLE'
                 WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                 ELSE 'INDEX' END AS kind,
               c.relnamespace,
               c.relname::text AS name,
               -- A partitioned index is as valid as what is attached to it.
               coalesce((i.indisvalid AND i.indisready) OR c.relkind = 'I', true) AS is_valid,
               c.relispartition AS inherited
          FROM pg_catalog.pg_class c
          LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
         WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')
        UNION ALL
        SELECT 'CONSTRAINT', k.connamespace, coalesce(c.relname, t.typname) || ' ' || k.conname,
               k.convalidated, k.conparentid <> 0 OR (k.coninhcount > 0 AND NOT k.conislocal)
          FROM pg_catalog.pg_constraint k
          LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
          LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
        UNION ALL
        SELECT 'TRIGGER', c.relnamespace, c.relname || ' ' || g.tgname, true, false
          FROM pg_catalog.pg_trigger g
          JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
        UNION ALL
        SELECT 'POLICY', c.relnamespace, c.relname || ' ' || p.polname, true, false
          FROM pg_catalog.pg_policy p
          JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
        UNION ALL
        SELECT 'RULE', c.relnamespace, c.relname || ' ' || r.rulename, true, false
          FROM pg_catalog.pg_rewrite r
          JOIN pg_catalog.pg_class c ON c.oid = r.ev_class) o
  JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
 WHERE n.nspname !~ '^pg_'
   AND n.nspname <> 'information_schema'
