-- Every table that pg_dump without filters locks, with what the role may not do to it, and whether
-- it surely stores rows of it. Extension members are dumped by CREATE EXTENSION, but for their
-- configuration tables.
SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       c.relkind = 'r'
           AND NOT m.is_member
           AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery()) AS is_ordinary,
       has_schema_privilege(n.oid, 'USAGE') AS may_use_schema,
       has_table_privilege(c.oid, 'SELECT') AS may_select,
       c.relrowsecurity AND row_security_active(c.oid) AS rows_hidden
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL
       (SELECT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass
                          AND d.objid = c.oid
                          AND d.deptype = 'e') AS is_member) m
 WHERE c.relkind IN ('r', 'p')
   AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_'
   AND n.nspname <> 'information_schema'
   AND (NOT m.is_member
        OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)))
 ORDER BY c.oid
