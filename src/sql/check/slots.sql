-- How many client sessions there are, and how many there may be. Of hidden kinds whoever has a
-- role and a database may be a client, senders of WAL aside; the server's workers, of which there
-- are max_worker_processes at most, may be among them.
select count(*) as used,
       least(count(*) filter (where a.backend_type is null),
             pg_catalog.current_setting('max_worker_processes')::int8) as perhaps_workers,
       pg_catalog.current_setting('max_connections')::int8 as max_connections,
       pg_catalog.current_setting('superuser_reserved_connections')::int8 as superuser_reserved,
       coalesce(pg_catalog.current_setting('reserved_connections', true)::int8, 0) as reserved
  from pg_catalog.pg_stat_activity a
 where a.backend_type = 'client backend'
    or (a.backend_type is null and a.usesysid is not null and a.datid is not null
        and a.pid not in (select s.pid from pg_catalog.pg_stat_get_wal_senders() s
                           where s.pid is not null))
