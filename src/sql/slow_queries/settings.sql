-- The extension and its settings, in one row; null where it is not there or not loaded.
select e.extversion as version,
       n.nspname::text as schema,
       pg_catalog.current_setting('pg_stat_statements.max', true)::int8 as most,
       pg_catalog.current_setting('pg_stat_statements.track', true) as track,
       pg_catalog.current_setting('pg_stat_statements.track_utility', true)::bool as track_utility,
       pg_catalog.current_setting('pg_stat_statements.track_planning', true)::bool as track_planning,
       pg_catalog.current_setting('track_io_timing')::bool as track_io_timing,
       -- PostgreSQL 14 and newer.
       pg_catalog.current_setting('compute_query_id', true) as compute_query_id,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') as usable
  from (select) as one
  left join pg_catalog.pg_extension e on e.extname = 'pg_stat_statements'
  left join pg_catalog.pg_namespace n on n.oid = e.extnamespace
