-- The server's version and since when it runs.
select pg_catalog.current_setting('server_version_num')::int8 as number,
       pg_catalog.current_setting('server_version') as version,
       extract(epoch from pg_catalog.pg_postmaster_start_time())::float8 as started
