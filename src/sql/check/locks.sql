-- How many sessions wait for locks, and how full the table of locks is: what is locked has one
-- place in it, whoever holds it. Locks on the fast path need none; predicate locks have a table of
-- their own. Its places are those of all processes with transactions and all prepared transactions
-- (source: lock.c, NLOCKENTS; postinit.c, InitializeMaxBackends): from 18 on autovacuum has slots,
-- and one special process more.
with locks as materialized (
       select * from pg_catalog.pg_locks)
select (select count(distinct l.pid) from locks l where not l.granted) as waiters,
       (select count(*)
          from (select from locks l
                 where not l.fastpath
                   and l.mode <> 'SIReadLock'
                 group by l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
                          l.transactionid, l.classid, l.objid, l.objsubid) o) as used,
       pg_catalog.current_setting('max_locks_per_transaction')::int8
         * (pg_catalog.current_setting('max_connections')::int8
            + pg_catalog.current_setting('max_worker_processes')::int8
            + pg_catalog.current_setting('max_wal_senders')::int8
            + pg_catalog.current_setting('max_prepared_transactions')::int8
            + 1 + coalesce(pg_catalog.current_setting('autovacuum_worker_slots', true)::int8 + 1,
                           pg_catalog.current_setting('autovacuum_max_workers')::int8)) as places
