-- Who keeps dead rows from being cleaned up, the oldest first, with the age in transactions.
-- Sessions: not the asking one, nor vacuums, whose snapshots keep nothing, nor senders of WAL,
-- which are told as standbys. Any role sees all of it but the state.
select 'session' as kind,
       case when coalesce(a.application_name, '') = '' then coalesce(a.usename::text, a.backend_type)
            else pg_catalog.concat_ws('/', a.application_name, a.usename) end as name,
       a.pid,
       a.datname::text as database,
       greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid))::int8 as age,
       a.state
  from pg_catalog.pg_stat_activity a
 where (a.backend_xmin is not null or a.backend_xid is not null)
   and a.pid <> pg_catalog.pg_backend_pid()
   and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.pid = a.pid)
   and not exists (select from pg_catalog.pg_stat_get_wal_senders() s where s.pid = a.pid)
union all
select 'prepared', p.gid, null, p.database::text, pg_catalog.age(p.transaction)::int8, null
  from pg_catalog.pg_prepared_xacts p
union all
select 'slot', s.slot_name::text, s.active_pid, s.database::text,
       greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin))::int8,
       case when s.active then 'active' else 'inactive' end
  from pg_catalog.pg_replication_slots s
 where s.xmin is not null
    or s.catalog_xmin is not null
union all
select 'standby', coalesce(r.application_name, ''), r.pid, null,
       pg_catalog.age(r.backend_xmin)::int8, r.state
  from pg_catalog.pg_stat_replication r
 where r.backend_xmin is not null
 order by 5 desc, 1, 2
