-- What a database holds that neither the server nor an extension put there: how much, and the
-- names of some of it.
WITH own AS (
    SELECT c.oid, 'pg_catalog.pg_class'::regclass AS class, n.nspname::text || '.' || c.relname AS name
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT p.oid, 'pg_catalog.pg_proc'::regclass, n.nspname::text || '.' || p.proname || '()'
      FROM pg_catalog.pg_proc p
      JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT t.oid, 'pg_catalog.pg_type'::regclass, n.nspname::text || '.' || t.typname
      FROM pg_catalog.pg_type t
      JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype IN ('d', 'e', 'r')
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT n.oid, 'pg_catalog.pg_namespace'::regclass, n.nspname::text
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
    UNION ALL
    SELECT m.oid, 'pg_catalog.pg_largeobject'::regclass, 'large object ' || m.oid::text
      FROM pg_catalog.pg_largeobject_metadata m
)
SELECT count(*) AS objects,
       (array_agg(own.name ORDER BY own.name))[1:3] AS names
  FROM own
 WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
         WHERE d.classid = own.class AND d.objid = own.oid AND d.deptype = 'e')
