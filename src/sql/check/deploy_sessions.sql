-- Who stands in the way of a migration: sessions and prepared transactions of this database that
-- hold or want locks of its tables, or whose transaction is older than a second; dumps and backups
-- whatever they hold. One row for each, with its locks.
with here as (
     select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()),
held as (
     select l.pid, l.virtualtransaction,
            pg_catalog.jsonb_agg(distinct pg_catalog.jsonb_build_object(
              'schema', n.nspname, 'name', c.relname, 'mode', l.mode, 'granted', l.granted)) as locks
       from pg_catalog.pg_locks l
       join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'm', 'f', 'v', 'S')
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where l.locktype = 'relation'
        and l.database in (select oid from here)
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and l.pid is distinct from pg_catalog.pg_backend_pid()
      group by l.pid, l.virtualtransaction),
-- The advisory lock of pgtend's backups (BACKUP_LOCK), whatever the session is called.
backups as (
     select b.pid
       from pg_catalog.pg_locks b
      where b.locktype = 'advisory' and b.granted
        and b.database in (select oid from here)
        and b.classid = 1885828197 and b.objid = 1852047361 and b.objsubid = 1)
select a.pid,
       null::pg_catalog.text as gid,
       a.usename::pg_catalog.text as role,
       nullif(a.application_name, '') as application,
       a.state,
       a.backend_type,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) as transaction_age,
       coalesce(a.query ~ '\(to prevent wraparound\)', false)
         and a.backend_type = 'autovacuum worker' as antiwrap,
       a.pid in (select pid from backups) or coalesce(a.application_name ~ '^pgtend/backup', false) as backup,
       coalesce(a.application_name ~ '^pg_(dump|dumpall)$'
                or a.query ~ '^COPY .* TO stdout;?$'
                or a.query ~ '^LOCK TABLE .* IN ACCESS SHARE MODE;?$', false) as dump,
       a.backend_xmin is not null or a.backend_xid is not null as has_snapshot,
       coalesce(h.locks, '[]') as locks
  from pg_catalog.pg_stat_activity a
  left join held h on h.pid = a.pid
 where a.datid in (select oid from here)
   and a.pid <> pg_catalog.pg_backend_pid()
   and (h.pid is not null
        or a.xact_start < pg_catalog.clock_timestamp() - interval '1 second'
        or a.pid in (select pid from backups)
        or a.application_name ~ '^(pgtend/backup|pg_dump)')
union all
select null, p.gid, p.owner::pg_catalog.text, null, 'prepared', null,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared),
       false, false, false, true,
       coalesce(h.locks, '[]')
  from pg_catalog.pg_prepared_xacts p
  left join pg_catalog.pg_locks t
    on t.pid is null and t.granted and t.locktype = 'transactionid' and t.transactionid = p.transaction
  left join held h on h.pid is null and h.virtualtransaction = t.virtualtransaction
 where p.database = pg_catalog.current_database()
 order by transaction_age desc nulls last
