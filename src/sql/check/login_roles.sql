-- Roles that can log in to this database, with what limits them.
select r.rolname as role,
       r.rolsuper as is_superuser,
       r.rolreplication as is_replication,
       r.rolconnlimit::int8 as connection_limit,
       r.rolname = current_user as is_me
  from pg_catalog.pg_roles r
 where r.rolcanlogin
   and pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT')
 order by 1
