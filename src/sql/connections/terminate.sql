-- Ends process $1, if it is still the session that began at $2 (microseconds) and not our own. $3: the
-- statement that an autovacuum worker must still be at; $4: since when it must be in its state (null:
-- whatever it does by now).
-- No row: it is gone. `same` is false when it does something else by now: then nothing is sent.
select s.same,
       case when s.same and s.pid <> pg_catalog.pg_backend_pid()
            then pg_catalog.pg_terminate_backend(s.pid) end as sent
  from (select a.pid,
               (a.backend_type is distinct from 'autovacuum worker'
              or (pg_catalog.date_part('epoch', a.query_start) * 1000000)::pg_catalog.int8
                 is not distinct from $3)
               and ($4::pg_catalog.int8 is null
                    or (pg_catalog.date_part('epoch', a.state_change) * 1000000)::pg_catalog.int8 = $4)
               as same
          from pg_catalog.pg_stat_activity a
         where a.pid = $1
           and (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8 = $2) s
