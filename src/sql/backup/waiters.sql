-- Who waits for a lock on table $1 that our ACCESS SHARE lock keeps from them.
SELECT l.pid,
       l.mode::text AS mode,
       coalesce(left(a.query, 120), '(its statement is hidden from this role)') AS statement
  FROM pg_catalog.pg_locks l
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.relation = $1
   AND NOT l.granted
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
 LIMIT 3
