-- Who keeps backend $1, or another of the same program's (pg_dump), waiting for a lock, and on
-- what.
SELECT b.pid,
       coalesce(left(a.query, 120), '(its statement is hidden from this role)') AS statement,
       coalesce(l.relation::regclass::text, 'a lock') AS relation
  FROM pg_catalog.pg_stat_activity us
  JOIN pg_catalog.pg_stat_activity w
    ON w.usesysid = us.usesysid
   AND w.application_name = us.application_name
   AND w.datid = us.datid
  JOIN pg_catalog.pg_locks l ON l.pid = w.pid AND NOT l.granted
 CROSS JOIN unnest(pg_blocking_pids(w.pid)) AS b (pid)
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
 WHERE us.pid = $1
 LIMIT 3
