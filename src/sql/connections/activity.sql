-- Every process of the server, the server's own first, then clients by the age of their
-- transaction; $1 rows at most, with the number of all. Of other roles' sessions a role without
-- pg_read_all_stats sees pid, role, database, application_name, snapshot and locks. Waits are
-- taken from pg_locks, which hides nothing; waitstart came with PostgreSQL 14, and is null in the
-- first moment of a wait.
with waiting as materialized (
    select l.pid, min((to_jsonb(l) ->> 'waitstart')::timestamptz) as since
      from pg_catalog.pg_locks l
     where not l.granted
       and l.pid is not null
     group by l.pid
),
process as (
    select a.*,
           w.since as waiting_since,
           case when w.pid is not null then pg_catalog.pg_blocking_pids(a.pid) else '{}' end
             as blocked_by,
           -- A hidden kind: the server's own have no role, and senders of WAL are known.
           case when a.backend_type is not null then a.backend_type = 'client backend'
                else a.usesysid is not null and a.datid is not null
                     and a.pid not in (select s.pid from pg_catalog.pg_stat_get_wal_senders() s
                                        where s.pid is not null)
           end as client_backend
      from pg_catalog.pg_stat_activity a
      left join waiting w on w.pid = a.pid
)
select p.pid,
       p.backend_type as kind,
       p.client_backend,
       p.usename::text as role,
       p.datname::text as database,
       coalesce(p.application_name, '') as application,
       case when p.client_port = -1 then 'local' else pg_catalog.host(p.client_addr) end as client,
       case when p.client_port = -1 then 'local'
            when t.ssl then coalesce(t.version, 'TLS')
            when g.encrypted then 'GSS'
            when p.client_port is not null then 'plain' end as tls,
       p.state,
       p.wait_event_type,
       p.wait_event,
       p.blocked_by,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() -
         case when pg_catalog.cardinality(p.blocked_by) = 0 then null
              when pg_catalog.current_setting('server_version_num')::int4 < 140000
              then p.query_start
              else coalesce(p.waiting_since, pg_catalog.clock_timestamp()) end)
         as blocked_seconds,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.backend_start)
         as session_seconds,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.xact_start)
         as transaction_seconds,
       case when p.state <> 'idle'
            then pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.query_start) end
         as statement_seconds,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.state_change)
         as state_seconds,
       -- A transaction that has written keeps what its own number keeps.
       greatest(pg_catalog.age(p.backend_xid), pg_catalog.age(p.backend_xmin))::int8 as xmin_age,
       p.leader_pid,
       p.query,
       -- A process of the server's own has no statement, and nothing to hide.
       coalesce(p.query = '<insufficient privilege>', false)
         and p.backend_type is null and p.usesysid is not null as hidden,
       p.pid = pg_catalog.pg_backend_pid() as own,
       count(*) over () as total,
       count(*) filter (where p.client_backend) over () as clients
  from process p
  left join pg_catalog.pg_stat_ssl t on t.pid = p.pid
  left join pg_catalog.pg_stat_gssapi g on g.pid = p.pid
 order by p.client_backend, coalesce(p.xact_start, p.backend_start) nulls last, p.pid
 limit $1
