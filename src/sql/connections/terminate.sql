-- Ends process $1, if it still is the session that began at $2 (microseconds) and not our own. No
-- row: it is gone.
select case when a.pid <> pg_catalog.pg_backend_pid()
            then pg_catalog.pg_terminate_backend(a.pid) end as sent
  from pg_catalog.pg_stat_activity a
 where a.pid = $1
   and (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8 = $2
