-- What the server has room for, and what a standby leaves out.
WITH clients AS (
  -- The type of others' backends is hidden from most roles; what has a database may be a client.
  SELECT a.usesysid, a.datid
    FROM pg_catalog.pg_stat_activity a
   WHERE a.datid IS NOT NULL
     AND coalesce(a.backend_type, 'client backend') = 'client backend')
SELECT current_setting('max_locks_per_transaction')::int8
         * (current_setting('max_connections')::int8
            + current_setting('max_prepared_transactions')::int8) AS lock_room,
       least(
         current_setting('max_connections')::int8
           - current_setting('superuser_reserved_connections')::int8
           - coalesce(current_setting('reserved_connections', true), '0')::int8
           - (SELECT count(*) FROM clients),
         -- Limits of the login role and of the database; superusers have none.
         (SELECT r.rolconnlimit - (SELECT count(*) FROM clients c WHERE c.usesysid = r.oid)
            FROM pg_catalog.pg_roles r
           WHERE r.rolname = session_user AND r.rolconnlimit >= 0 AND NOT r.rolsuper),
         (SELECT d.datconnlimit - (SELECT count(*) FROM clients c WHERE c.datid = d.oid)
            FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
           WHERE d.datname = current_database()
             AND d.datconnlimit >= 0
             AND r.rolname = session_user
             AND NOT r.rolsuper)) AS free_connections,
       current_setting('lc_monetary') AS lc_monetary,
       current_setting('hot_standby_feedback')::bool AS hot_standby_feedback,
       current_setting('max_standby_streaming_delay') AS standby_delay,
       coalesce((SELECT usesuper FROM pg_catalog.pg_user WHERE usename = current_user), false)
         AS superuser,
       current_user::text AS role_name
