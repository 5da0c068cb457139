-- The sizes of the databases that this role may measure.
select s.database, s.bytes
  from (select d.datname::text as database,
               pg_catalog.pg_database_size(d.oid)::float8 as bytes
          from pg_catalog.pg_database d
         where pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            or pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')) s
 where s.bytes is not null
 order by s.bytes desc, 1
