-- What depends on relations that are to be dropped ($1, quoted qualified names) and is neither
-- one of them, nor part of one, nor in a schema that goes as a whole ($2): foreign keys of other
-- tables, views, functions, and partitions that the list does not have.
WITH gone AS (
    SELECT c.oid, c.reltype, coalesce(t.typarray, 0) AS typarray
      FROM unnest($1) AS given (name)
      JOIN pg_catalog.pg_class c ON c.oid = to_regclass(given.name)
      LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype
), dependent AS (
    -- An index, a default and the like as the relation that it belongs to.
    SELECT d.classid, d.objid,
           CASE d.classid
               WHEN 'pg_catalog.pg_rewrite'::regclass THEN
                   (SELECT ev_class FROM pg_catalog.pg_rewrite WHERE oid = d.objid)
               WHEN 'pg_catalog.pg_attrdef'::regclass THEN
                   (SELECT adrelid FROM pg_catalog.pg_attrdef WHERE oid = d.objid)
               WHEN 'pg_catalog.pg_constraint'::regclass THEN
                   (SELECT conrelid FROM pg_catalog.pg_constraint WHERE oid = d.objid)
               WHEN 'pg_catalog.pg_policy'::regclass THEN
                   (SELECT polrelid FROM pg_catalog.pg_policy WHERE oid = d.objid)
               WHEN 'pg_catalog.pg_trigger'::regclass THEN
                   (SELECT tgrelid FROM pg_catalog.pg_trigger WHERE oid = d.objid)
               WHEN 'pg_catalog.pg_statistic_ext'::regclass THEN
                   (SELECT stxrelid FROM pg_catalog.pg_statistic_ext WHERE oid = d.objid)
               WHEN 'pg_catalog.pg_publication_rel'::regclass THEN
                   (SELECT prrelid FROM pg_catalog.pg_publication_rel WHERE oid = d.objid)
               WHEN 'pg_catalog.pg_class'::regclass THEN
                   coalesce((SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = d.objid),
                            d.objid)
           END AS relation
      FROM gone g
      JOIN pg_catalog.pg_depend d
        ON (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = g.oid)
        OR (d.refclassid = 'pg_catalog.pg_type'::regclass
            AND d.refobjid IN (g.reltype, g.typarray))
     WHERE d.deptype = 'n'
       -- A foreign key is told by itself below.
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                        WHERE d.classid = 'pg_catalog.pg_constraint'::regclass
                          AND k.oid = d.objid
                          AND k.contype = 'f')
), outside AS (
    SELECT 'foreign key' AS kind, k.conrelid AS relation, k.conname::text AS name,
           pg_catalog.pg_get_constraintdef(k.oid) AS definition
      FROM pg_catalog.pg_constraint k
     WHERE k.contype = 'f'
       AND k.conparentid = 0
       AND k.confrelid IN (SELECT oid FROM gone)
    UNION ALL
    SELECT 'partition', i.inhrelid, NULL, NULL
      FROM pg_catalog.pg_inherits i
      JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent IN (SELECT oid FROM gone)
       AND c.relispartition
       AND c.relkind NOT IN ('i', 'I')
    UNION
    SELECT 'relation', d.relation, NULL, NULL
      FROM dependent d
     WHERE d.relation <> 0
    UNION
    SELECT 'other', 0, i.type || ' ' || i.identity, NULL
      FROM dependent d
     CROSS JOIN pg_catalog.pg_identify_object(d.classid, d.objid, 0) i
     WHERE d.relation IS NULL
       AND i.type <> 'type'
       AND (i.schema IS NULL OR i.schema <> ALL ($2))
)
SELECT o.kind,
       coalesce(n.nspname::text, '') AS schema,
       coalesce(c.relname::text, '') AS relation,
       coalesce(c.relkind::text, '') AS relation_kind,
       coalesce(o.name, '') AS name,
       coalesce(o.definition, '') AS definition
  FROM outside o
  LEFT JOIN pg_catalog.pg_class c ON c.oid = o.relation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE o.relation NOT IN (SELECT oid FROM gone)
   AND (n.nspname IS NULL OR n.nspname <> ALL ($2))
 ORDER BY 1, 2, 3, 5
 LIMIT 1000
