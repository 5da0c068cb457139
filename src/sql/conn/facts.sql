-- What every command wants to know of a server, in one round trip. Needs no privilege.
select current_setting('server_version_num')::int4 as version_number,
       current_setting('server_version') as version,
       pg_catalog.pg_is_in_recovery() as in_recovery,
       current_user::text as role,
       current_setting('is_superuser')::bool as superuser,
       (select c.system_identifier from pg_catalog.pg_control_system() c) as system_identifier,
       current_database()::text as database,
       (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
         as database_oid,
       current_setting('server_encoding') as encoding,
       current_setting('block_size')::int4 as block_size,
       current_setting('max_connections')::int4 as max_connections,
       current_setting('transaction_read_only')::bool as read_only,
       pg_catalog.pg_backend_pid() as pid,
       pg_catalog.inet_client_port() as client_port,
       pg_catalog.inet_server_port() as server_port,
       (select extract(epoch from pg_catalog.clock_timestamp() - a.backend_start)::float8
          from pg_catalog.pg_stat_activity a
         where a.pid = pg_catalog.pg_backend_pid()) as backend_age
