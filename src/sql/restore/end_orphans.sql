-- Ends sessions in this database that a restore left behind: their application is $1.
SELECT count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(a.pid)) AS ended
  FROM pg_catalog.pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.application_name = $1
   AND a.usename = session_user
   AND a.pid <> pg_catalog.pg_backend_pid()
