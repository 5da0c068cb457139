-- What every command wants to know of a server, in one round trip. Needs no privilege. It runs
-- before search_path is set: whoever owns the database may have put names of their own before
-- pg_catalog's, and a superuser must not run them. So every function, type and operator says
-- where it is from.
select pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version_number,
       pg_catalog.current_setting('server_version') as version,
       pg_catalog.pg_is_in_recovery() as in_recovery,
       current_user::pg_catalog.text as role,
       pg_catalog.current_setting('is_superuser')::pg_catalog.bool as superuser,
       (select c.system_identifier from pg_catalog.pg_control_system() c) as system_identifier,
       pg_catalog.current_database()::pg_catalog.text as database,
       (select d.oid from pg_catalog.pg_database d
         where d.datname operator(pg_catalog.=) pg_catalog.current_database()) as database_oid,
       pg_catalog.current_setting('server_encoding') as encoding,
       pg_catalog.current_setting('block_size')::pg_catalog.int4 as block_size,
       pg_catalog.current_setting('max_connections')::pg_catalog.int4 as max_connections,
       pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool as read_only,
       pg_catalog.pg_backend_pid() as pid,
       pg_catalog.inet_client_port() as client_port,
       pg_catalog.inet_server_port() as server_port,
       (select pg_catalog.date_part(
                 'epoch', pg_catalog.clock_timestamp() operator(pg_catalog.-) a.backend_start)
          from pg_catalog.pg_stat_activity a
         where a.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()) as backend_age
