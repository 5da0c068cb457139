-- How many clients there are, but for the asking one, by role and database: those without an
-- application_name and those that came over a network without encryption (plain_client is where
-- from) apart. A role without pg_read_all_stats sees no state and no address of others.
with client as (
       select a.usename::text as role,
              a.datname::text as database,
              coalesce(a.application_name, '') = '' as unnamed,
              case when not coalesce(t.ssl, false) and not coalesce(g.encrypted, false)
                    and not a.client_addr <<= '127.0.0.0/8'::pg_catalog.inet
                    and a.client_addr <> '::1'::pg_catalog.inet
                   then pg_catalog.host(a.client_addr) end as plain_client,
              a.state
         from pg_catalog.pg_stat_activity a
         left join pg_catalog.pg_stat_ssl t on t.pid = a.pid
         left join pg_catalog.pg_stat_gssapi g on g.pid = a.pid
        where a.pid <> pg_catalog.pg_backend_pid()
          and (a.backend_type = 'client backend'
               -- Hidden: whoever has a role and a database is a client, senders of WAL aside.
               or (a.backend_type is null and a.usesysid is not null and a.datid is not null
                   and a.pid not in (select s.pid from pg_catalog.pg_stat_get_wal_senders() s
                                      where s.pid is not null))))
select c.role,
       c.database,
       c.unnamed,
       c.plain_client,
       count(*) as sessions,
       count(*) filter (where c.state = 'idle') as idle,
       count(*) filter (where c.state is null or c.state = 'disabled') as unseen
  from client c
 group by c.role, c.database, c.unnamed, c.plain_client
 order by 5 desc, 1, 2, 3, 4
