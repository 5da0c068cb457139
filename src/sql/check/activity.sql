-- Sessions that do something, wait, keep a transaction open or are waited for, and other processes
-- of the server that do: not idle ones, nor the asking one. Of other roles' sessions a role
-- without pg_read_all_stats sees pid, role, database, application and locks alone. waitstart came
-- with 14 and is null in the first moment of a wait; before, a wait is as old as its statement at
-- most. Process 0 stands for a prepared transaction.
with waits as materialized (
       select l.pid,
              min((pg_catalog.to_jsonb(l) ->> 'waitstart')::pg_catalog.timestamptz) as since,
              pg_catalog.pg_blocking_pids(l.pid) as blocked_by
         from pg_catalog.pg_locks l
        where not l.granted
          and l.pid is not null
        group by l.pid)
select a.pid,
       a.backend_type as kind,
       a.usename::text as role,
       a.datname::text as database,
       coalesce(a.application_name, '') as application,
       a.state,
       coalesce(w.blocked_by, '{}') as blocked_by,
       case when w.pid is not null then
            coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() -
              case when pg_catalog.current_setting('server_version_num')::int4 < 140000
                   then a.query_start else w.since end), 0) end as blocked_seconds,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)
         as transaction_seconds,
       case when a.state <> 'idle'
            then pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start) end
         as statement_seconds,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change)
         as state_seconds,
       -- Up to the first text in quotes: what stands in one may be a secret.
       pg_catalog.substring(pg_catalog.left(a.query, 200), '^(?:[^''$]|\$[0-9])*')
         || case when pg_catalog.left(a.query, 200) ~ '''|\$[^0-9]' then '..' else '' end as query
  from pg_catalog.pg_stat_activity a
  left join waits w on w.pid = a.pid
 where a.pid <> pg_catalog.pg_backend_pid()
   and (a.state <> 'idle'
        or a.xact_start is not null
        or w.pid is not null
        or a.pid in (select unnest(b.blocked_by) from waits b))
 order by w.pid is null, coalesce(a.xact_start, a.query_start) nulls last, a.pid
