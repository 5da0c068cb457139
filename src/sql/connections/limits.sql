-- Roles and databases with a limit of their own, $1 at most, with the connections that count:
-- clients, of hidden kinds those with a database (senders of WAL have none). A superuser's role is never held to its limit.
with counted as (
    select a.usesysid, a.datid
      from pg_catalog.pg_stat_activity a
     where a.usesysid is not null
       and coalesce(a.backend_type = 'client backend', a.datid is not null)
)
select 'role' as kind,
       r.rolname::text as name,
       r.rolconnlimit::int8 as allowed,
       (select count(*) from counted c where c.usesysid = r.oid) as used
  from pg_catalog.pg_roles r
 where r.rolconnlimit >= 0
   and r.rolcanlogin
   and not r.rolsuper
union all
select 'database', d.datname::text, d.datconnlimit::int8,
       (select count(*) from counted c where c.datid = d.oid)
  from pg_catalog.pg_database d
 where d.datconnlimit >= 0
   and d.datallowconn
 order by 1 desc, 2
 limit $1
