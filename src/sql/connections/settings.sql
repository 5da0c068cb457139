-- The limits of the server, and what the role can see. A reset_val is what a new session of this
-- role in this database starts with: this one may have set the value itself.
select pg_catalog.current_setting('max_connections')::int8 as max_connections,
       pg_catalog.current_setting('superuser_reserved_connections')::int8 as superuser_reserved,
       -- It came with PostgreSQL 16.
       coalesce(pg_catalog.current_setting('reserved_connections', true)::int8, 0) as reserved,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') as sees_activity,
       (select s.reset_val::int8 from pg_catalog.pg_settings s
         where s.name = 'idle_in_transaction_session_timeout') as idle_in_transaction_ms
