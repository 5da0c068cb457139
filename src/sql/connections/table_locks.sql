-- Who holds a lock of a relation, and who waits for one: relations as in relations.sql ($1, $2), at
-- most $3 rows, without our own session. waitstart came with 14: to_jsonb gives null on 13.
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
       l.pid,
       l.locktype as lock_type,
       l.mode,
       l.granted,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
         - (pg_catalog.to_jsonb(l) ->> 'waitstart')::pg_catalog.timestamptz) as waited,
       p.gid,
       coalesce(a.usename, p.owner)::pg_catalog.text as role_name,
       coalesce(a.datname, p.database)::pg_catalog.text as database_name,
       nullif(a.application_name, '') as application,
       pg_catalog.host(a.client_addr) as client,
       a.state,
       a.backend_type,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
         - coalesce(a.xact_start, p.prepared)) as transaction_age,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start) as statement_age,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change) as state_age,
       a.query,
       a.pid is not null and a.backend_type is null as hidden
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
       -- See prepared.sql.
  left join (
       select t.virtualtransaction, x.gid, x.owner, x.database, x.prepared
         from pg_catalog.pg_locks t
         join pg_catalog.pg_prepared_xacts x on x.transaction = t.transactionid
        where t.pid is null
          and t.granted
          and t.locktype = 'transactionid') p
    on l.pid is null
   and p.virtualtransaction = l.virtualtransaction
 where c.relname::pg_catalog.text = any ($2)
   and (pg_catalog.cardinality($1) = 0 or n.nspname::pg_catalog.text = any ($1))
   and l.database in (0::pg_catalog.oid, (select b.oid from pg_catalog.pg_database b
                           where b.datname = pg_catalog.current_database()))
   and l.pid is distinct from pg_catalog.pg_backend_pid()
 order by l.granted desc, waited desc nulls last, l.pid, l.mode
 limit $3
