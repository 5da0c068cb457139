-- How many sessions wait for locks, and how full the table of locks is: what is locked has one
-- place in it, whoever holds it. Locks on the fast path need none; predicate locks have a table of
-- their own.
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
            + pg_catalog.current_setting('max_prepared_transactions')::int8) as places
