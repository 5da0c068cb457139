-- Who holds advisory lock $1 of this database, and since when (microseconds) the session is there.
SELECT l.pid,
       coalesce(a.usename::text, '(hidden from this role)') AS role_name,
       coalesce(nullif(a.application_name, ''), 'unnamed') AS application,
       coalesce(pg_catalog.host(a.client_addr), '') AS client,
       (extract(epoch FROM a.backend_start) * 1000000)::pg_catalog.int8 AS since_us
  FROM pg_catalog.pg_locks l
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.pid <> pg_catalog.pg_backend_pid()
   AND l.database = (SELECT d.oid
                       FROM pg_catalog.pg_database d
                      WHERE d.datname = pg_catalog.current_database())
   AND l.objsubid = 1
   AND (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8 = $1
 LIMIT 3
