-- Prepared transactions that hold something of the locks that sessions wait for, at most $1 pairs.
-- Their locks have no process; what they have in common is the virtual transaction, and one of
-- them is of the transaction's own number.
select w.pid as waiter,
       w.mode as wanted,
       p.gid,
       p.owner::pg_catalog.text as role_name,
       p.database::pg_catalog.text as database_name,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared) as age,
       pg_catalog.array_agg(distinct h.mode order by h.mode) as held
  from pg_catalog.pg_locks w
  join pg_catalog.pg_locks h
    on h.pid is null
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
   and h.objsubid is not distinct from w.objsubid
  join pg_catalog.pg_locks t
    on t.pid is null
   and t.granted
   and t.locktype = 'transactionid'
   and t.virtualtransaction = h.virtualtransaction
  join pg_catalog.pg_prepared_xacts p on p.transaction = t.transactionid
 where not w.granted
   and w.pid is not null
 group by w.pid, w.mode, p.gid, p.owner, p.database, p.prepared
 order by p.prepared, p.gid, w.pid
 limit $1
