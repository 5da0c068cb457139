-- Who waits for a lock, and who is in the way: a row for each session of both kinds; of those that
-- wait at most $1. The locks are read once. blockers are the processes that pg_blocking_pids names
-- (0 is a prepared transaction: prepared.sql has its name); held is what each of them holds of the
-- lock that is waited for, null for one that only stands before it in the queue.
-- waitstart came with 14: to_jsonb gives null on 13.
with locks as materialized (
       select * from pg_catalog.pg_locks),
     waits as materialized (
       select distinct on (l.pid) l.*,
              (pg_catalog.to_jsonb(l) ->> 'waitstart')::pg_catalog.timestamptz as since
         from locks l
        where not l.granted
          and l.pid is not null
        order by l.pid
        limit $1),
     edges as materialized (
       select w.pid,
              b.pid as blocker,
              b.place,
              (select pg_catalog.string_agg(distinct h.mode, ', ' order by h.mode)
                 from locks h
                where h.pid = b.pid
                  and h.granted
                  and h.locktype = w.locktype
                  and h.database is not distinct from w.database
                  and h.relation is not distinct from w.relation
                  and h.page is not distinct from w.page
                  and h.tuple is not distinct from w.tuple
                  and h.virtualxid is not distinct from w.virtualxid
                  and h.transactionid is not distinct from w.transactionid
                  and h.classid is not distinct from w.classid
                  and h.objid is not distinct from w.objid
                  and h.objsubid is not distinct from w.objsubid) as held
         from waits w
        cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid))
          with ordinality as b (pid, place)),
     parties as (
       select w.pid from waits w
       union
       select e.blocker from edges e where e.blocker <> 0)
select p.pid,
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
       a.pid is not null and a.backend_type is null as hidden,
       w.locktype as lock_type,
       w.mode,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - w.since) as waited,
       case when c.oid is not null then pg_catalog.format('%I.%I', n.nspname, c.relname)
       end as relation,
       o.relation::pg_catalog.int8 as relation_oid,
       d.datname::pg_catalog.text as lock_database,
       w.transactionid::pg_catalog.text as transaction_id,
       w.classid::pg_catalog.int8 as class_id,
       w.objid::pg_catalog.int8 as object_id,
       (select coalesce(pg_catalog.array_agg(e.blocker order by e.place), '{}')
          from edges e where e.pid = p.pid) as blockers,
       (select coalesce(pg_catalog.array_agg(e.held order by e.place), '{}')
          from edges e where e.pid = p.pid) as held
  from parties p
  left join pg_catalog.pg_stat_activity a on a.pid = p.pid
  left join waits w on w.pid = p.pid
       -- Who waits for a row's transaction has locked the row's place in its table.
  left join lateral (
       select l.relation, l.database
         from locks l
        where l.pid = w.pid
          and l.relation is not null
          and case w.locktype
                when 'transactionid' then l.locktype = 'tuple' and l.granted
                else not l.granted
              end
        limit 1) o on true
  left join pg_catalog.pg_class c
    on c.oid = o.relation
   and o.database in (0::pg_catalog.oid, (select b.oid from pg_catalog.pg_database b
                           where b.datname = pg_catalog.current_database()))
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_database d on d.oid = o.database
 order by p.pid
