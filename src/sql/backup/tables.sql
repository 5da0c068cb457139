-- The tables whose rows the archive holds ($1: their oids), as the snapshot shows them, beside
-- what is true now: another filenode or none means that an old snapshot may see too few rows.
SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind::text AS kind,
       c.relfilenode AS snapshot_filenode,
       pg_relation_filenode(c.oid) AS current_filenode,
       pg_relation_size(c.oid) AS heap_bytes,
       coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0)::int8 AS toast_bytes,
       coalesce(m.amname = 'heap', false) AS is_heap,
       c.relrowsecurity AND row_security_active(c.oid) AS rows_hidden,
       ARRAY(SELECT a.attname::text
               FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attgenerated = ''
              ORDER BY a.attnum) AS columns,
       (SELECT u.condition
          FROM pg_catalog.pg_extension e,
               unnest(e.extconfig, e.extcondition) AS u (relation, condition)
         WHERE u.relation = c.oid
         LIMIT 1) AS config_condition
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
 WHERE c.oid = ANY ($1)
