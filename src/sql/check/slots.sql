-- How many client sessions there are, and how many there may be.
select (select count(*) from pg_catalog.pg_stat_activity a
         where a.backend_type = 'client backend'
               -- Hidden: whoever has a role and a database is a client, walsenders aside.
               or (a.backend_type is null and a.usesysid is not null and a.datid is not null)) as used,
       pg_catalog.current_setting('max_connections')::int8 as max_connections,
       pg_catalog.current_setting('superuser_reserved_connections')::int8 as superuser_reserved,
       coalesce(pg_catalog.current_setting('reserved_connections', true)::int8, 0) as reserved
