-- How old the oldest transaction and row lock of each database are, and when autovacuum begins to
-- do something about it; those that nobody can connect to count too.
select d.datname::text as database,
       pg_catalog.age(d.datfrozenxid)::int8 as xids,
       pg_catalog.mxid_age(d.datminmxid)::int8 as multixacts,
       pg_catalog.current_setting('autovacuum_freeze_max_age')::int8 as freeze_max_age,
       pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::int8
         as multixact_freeze_max_age
  from pg_catalog.pg_database d
 order by 2 desc, 1
