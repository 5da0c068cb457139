-- Roles and databases with a limit of their own, with the connections that count: those of
-- clients. Of hidden kinds those with a database; parallel workers may be among them. A superuser
-- is never held to a limit.
with counted as (
       select a.usesysid, a.datid, a.backend_type is null as hidden
         from pg_catalog.pg_stat_activity a
        where a.usesysid is not null
          and coalesce(a.backend_type = 'client backend', a.datid is not null))
select 'role' as kind,
       r.rolname::text as name,
       r.rolconnlimit::int8 as allowed,
       count(c.usesysid) as used,
       count(c.usesysid) filter (where c.hidden) as hidden
  from pg_catalog.pg_roles r
  left join counted c on c.usesysid = r.oid
 where r.rolconnlimit > 0
   and r.rolcanlogin
   and not r.rolsuper
 group by r.rolname, r.rolconnlimit
union all
select 'database', d.datname::text, d.datconnlimit::int8, count(c.datid),
       count(c.datid) filter (where c.hidden)
  from pg_catalog.pg_database d
  left join counted c on c.datid = d.oid
 where d.datconnlimit > 0
   and d.datallowconn
 group by d.datname, d.datconnlimit
 order by 1 desc, 2
