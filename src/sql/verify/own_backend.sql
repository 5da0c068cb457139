-- What marks a scratch database as used by this session; leftovers.sql reads it.
SELECT 'pgtend scratch database of backend ' || a.pid || ' started at '
         || (extract(epoch FROM a.backend_start) * 1e6)::int8 || ' us' AS mark
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = pg_backend_pid()
