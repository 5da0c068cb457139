-- Ends the server process $1 of a session of ours (application $2) whose connection was lost: it
-- may wait for ever for a client that is gone, with its locks.
SELECT pg_catalog.pg_terminate_backend(a.pid) AS ended
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = $1
   AND a.application_name = $2
   AND a.usename = session_user
   AND a.datname = current_database()
