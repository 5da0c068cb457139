-- Sessions that may be ended: those of processes $1 (none: all), at most $2. Times in microseconds
-- tell a session and a statement apart from later ones of the same process id. $3 is the advisory
-- lock that a backup holds.
with backups as materialized (
       select l.pid
         from pg_catalog.pg_locks l
        where l.locktype = 'advisory'
          and l.granted
          and l.objsubid = 1
          and (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8 = $3)
select a.pid,
       a.usename::pg_catalog.text as role_name,
       a.datname::pg_catalog.text as database_name,
       nullif(a.application_name, '') as application,
       pg_catalog.host(a.client_addr) as client,
       a.state,
       a.backend_type,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) as transaction_age,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start) as statement_age,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change) as state_age,
       a.query,
       a.backend_type is null as hidden,
       (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8 as began_us,
       (pg_catalog.date_part('epoch', a.query_start) * 1000000)::pg_catalog.int8 as statement_us,
       coalesce(a.wait_event_type = 'Lock', false) as blocked,
       (pg_catalog.date_part('epoch', a.state_change) * 1000000)::pg_catalog.int8 as state_us,
       a.pid = pg_catalog.pg_backend_pid() as is_own,
       coalesce(r.rolsuper, false) as of_superuser,
       -- The holder's readers have its name, whatever that is.
       exists (select from backups b
                 join pg_catalog.pg_stat_activity h on h.pid = b.pid
                where h.usesysid = a.usesysid
                  and h.datid = a.datid
                  and h.application_name = a.application_name
                  and h.client_addr is not distinct from a.client_addr) as backs_up
  from pg_catalog.pg_stat_activity a
  left join pg_catalog.pg_roles r on r.oid = a.usesysid
 where pg_catalog.cardinality($1) = 0
    or a.pid = any ($1)
 order by a.pid
 limit $2
