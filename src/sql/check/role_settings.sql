-- What roles and databases have instead of the server's settings; null stands for all of them.
select d.datname as database,
       r.rolname as role,
       pg_catalog.split_part(c.entry, '=', 1) as name,
       pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1) as value
  from pg_catalog.pg_db_role_setting s
  left join pg_catalog.pg_database d on d.oid = s.setdatabase
  left join pg_catalog.pg_roles r on r.oid = s.setrole
 cross join lateral pg_catalog.unnest(s.setconfig) as c (entry)
 order by 1 nulls first, 2 nulls first, 3
