-- pg_stat_statements: in one row, null where it is not there or not loaded.
select e.extversion as version,
       n.nspname::text as schema,
       (select a.default_version from pg_catalog.pg_available_extensions a
         where a.name = 'pg_stat_statements') as newest,
       -- The settings are there from the moment the library is loaded; current_setting() would
       -- tell what a file says of one that is not.
       (select s.setting::int8 from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.max') as most,
       (select s.setting from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.track') as track,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') as usable
  from (select) as one
  left join pg_catalog.pg_extension e on e.extname = 'pg_stat_statements'
  left join pg_catalog.pg_namespace n on n.oid = e.extnamespace
