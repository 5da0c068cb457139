-- Roles that can log in and may do more than an application needs, own tables here, or whose
-- password ends; with their sessions. The provider's own are not told.
select r.rolname::text as role,
       r.oid = 10 as is_first,
       r.rolsuper as is_superuser,
       r.rolcreaterole as may_create_roles,
       r.rolreplication as may_replicate,
       r.rolbypassrls as passes_row_security,
       -- A superuser belongs to every role.
       (select case when m.rolsuper then 'SUPERUSER by ' else '' end || m.rolname
          from pg_catalog.pg_roles m
         where (m.rolsuper
                or m.rolname in ('rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser',
                                 'azure_pg_admin', 'neon_superuser'))
           and not r.rolsuper
           and m.oid <> r.oid and pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER')
         order by m.rolsuper desc, 1
         limit 1)::text as member_of,
       (select pg_catalog.string_agg(m.rolname, ', ' order by m.rolname)
          from pg_catalog.pg_roles m
         where m.rolname in ('pg_execute_server_program', 'pg_write_server_files',
                             'pg_read_server_files')
           and not r.rolsuper
           and pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER')) as server_files,
       (select count(*)
          from pg_catalog.pg_stat_activity a
         where a.usesysid = r.oid and a.datid is not null
           and coalesce(a.backend_type, 'client backend') = 'client backend'
           and a.application_name !~ '^(pgtend|pg_|psql)') as sessions,
       (select count(*)
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relowner = r.oid and c.relkind in ('r', 'p') and c.relpersistence <> 't'
           and n.nspname !~ '^pg_' and n.nspname <> 'information_schema') as tables,
       case when pg_catalog.isfinite(r.rolvaliduntil)
            then extract(epoch from r.rolvaliduntil)::float8 end as valid_until
  from pg_catalog.pg_roles r
 where r.rolcanlogin
   and r.rolname not in ('rdsadmin', 'rdsrepladmin', 'rdstopmgr', 'cloudsqladmin',
                         'cloudsqlagent', 'cloudsqlreplica', 'azuresu', 'azure_superuser',
                         'cloud_admin')
 order by r.rolsuper desc, 1
