-- Ends the idle sessions of our own role in database $1, which a pooler keeps for its next client:
-- the database cannot get its name while they are there.
SELECT count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(a.pid)) AS ended
  FROM pg_catalog.pg_stat_activity a
 WHERE a.datname = $1
   AND a.usename = session_user
   AND a.state = 'idle'
   AND a.pid <> pg_catalog.pg_backend_pid()
