-- Which of the objects in question are there: $1 their numbers, $2 classes, $3 schemas ('' for
-- objects that have none), $4 names. Functions are named as pg_dump does: `f(integer, text)`,
-- types outside of pg_catalog with their schema, which needs an empty search_path.
WITH wanted AS (
  SELECT w.number, w.class, w.schema, w.name
    FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[]) AS w (number, class, schema, name)
), found AS (
  SELECT 'relation' AS class, n.nspname::text AS schema, c.relname::text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  UNION ALL
  SELECT 'type', n.nspname::text, t.typname::text
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  UNION ALL
  SELECT 'function', n.nspname::text,
         p.proname || '(' || CASE
           WHEN p.pronargs = 0 AND p.prokind = 'a' THEN '*'
           ELSE (SELECT coalesce(string_agg(format_type(a.type, NULL), ', ' ORDER BY a.place), '')
                   FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place))
         END || ')'
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname = ANY ($3)
  UNION ALL
  SELECT 'collation', n.nspname::text, c.collname::text
    FROM pg_catalog.pg_collation c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
  UNION ALL
  SELECT 'conversion', n.nspname::text, c.conname::text
    FROM pg_catalog.pg_conversion c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
  UNION ALL
  SELECT 'statistics', n.nspname::text, s.stxname::text
    FROM pg_catalog.pg_statistic_ext s
    JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
  UNION ALL
  SELECT 'text search parser', n.nspname::text, t.prsname::text
    FROM pg_catalog.pg_ts_parser t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.prsnamespace
  UNION ALL
  SELECT 'text search template', n.nspname::text, t.tmplname::text
    FROM pg_catalog.pg_ts_template t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
  UNION ALL
  SELECT 'text search dictionary', n.nspname::text, t.dictname::text
    FROM pg_catalog.pg_ts_dict t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.dictnamespace
  UNION ALL
  SELECT 'text search configuration', n.nspname::text, t.cfgname::text
    FROM pg_catalog.pg_ts_config t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.cfgnamespace
  UNION ALL
  SELECT 'cast', '', 'CAST (' || format_type(c.castsource, NULL) || ' AS '
                              || format_type(c.casttarget, NULL) || ')'
    FROM pg_catalog.pg_cast c
  UNION ALL
  SELECT 'event trigger', '', e.evtname::text FROM pg_catalog.pg_event_trigger e
  UNION ALL
  SELECT 'publication', '', p.pubname::text FROM pg_catalog.pg_publication p
  UNION ALL
  SELECT 'subscription', '', s.subname::text
    FROM pg_catalog.pg_subscription s
    JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
   WHERE d.datname = current_database()
  UNION ALL
  SELECT 'wrapper', '', w.fdwname::text FROM pg_catalog.pg_foreign_data_wrapper w
  UNION ALL
  SELECT 'server', '', s.srvname::text FROM pg_catalog.pg_foreign_server s
  UNION ALL
  SELECT 'language', '', l.lanname::text FROM pg_catalog.pg_language l
  UNION ALL
  SELECT 'access method', '', a.amname::text FROM pg_catalog.pg_am a
  UNION ALL
  SELECT 'schema', '', n.nspname::text FROM pg_catalog.pg_namespace n
  UNION ALL
  SELECT 'large object', '', l.oid::text FROM pg_catalog.pg_largeobject_metadata l
)
SELECT DISTINCT w.number
  FROM wanted w
  JOIN found f ON f.class = w.class AND f.schema = w.schema AND f.name = w.name
