-- The extension and its settings, in one row; null where it is not there or not loaded. What a
-- file says of a library that is not loaded is not in the view; current_setting() would tell it.
select e.extversion as version,
       n.nspname::text as schema,
       (select s.setting::int8 from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.max') as most,
       (select s.setting from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.track') as track,
       (select s.setting::bool from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.track_utility') as track_utility,
       (select s.setting::bool from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.track_planning') as track_planning,
       pg_catalog.current_setting('track_io_timing')::bool as track_io_timing,
       -- PostgreSQL 14 and newer.
       pg_catalog.current_setting('compute_query_id', true) as compute_query_id,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') as usable
  from (select) as one
  left join pg_catalog.pg_extension e on e.extname = 'pg_stat_statements'
  left join pg_catalog.pg_namespace n on n.oid = e.extnamespace
