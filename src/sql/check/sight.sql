-- What this role can see, and the server's clock. Before 14 there is no role that may read all
-- data: it is asked of every table and sequence.
select (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::int8 as at_us,
       r.rolsuper as superuser,
       pg_catalog.pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE') as stats,
       pg_catalog.pg_has_role(r.oid, 'pg_read_all_settings', 'USAGE') as settings,
       case when pg_catalog.current_setting('server_version_num')::int4 >= 140000
            then coalesce((select pg_catalog.pg_has_role(r.oid, d.oid, 'USAGE')
                             from pg_catalog.pg_roles d where d.rolname = 'pg_read_all_data'), false)
            else not exists (select from pg_catalog.pg_class c
                              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                             where c.relkind in ('r', 'p', 'm', 'S')
                               and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
                               and not (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                                        and pg_catalog.has_table_privilege(c.oid, 'SELECT')))
       end as all_data,
       pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'EXECUTE') as wal_dir,
       pg_catalog.has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT')
         and pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE')
         as hba_rules,
       pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT') as passwords,
       (select case p.rolname when 'rdsadmin' then 'rds' when 'cloudsqladmin' then 'cloudsql'
                              when 'azuresu' then 'azure' when 'azure_pg_admin' then 'azure'
                              when 'supabase_admin' then 'supabase' when 'neon_superuser' then 'neon'
                              else 'managed' end
          from pg_catalog.pg_roles p
         where p.rolname in ('rdsadmin', 'cloudsqladmin', 'azuresu', 'azure_pg_admin',
                             'supabase_admin', 'neon_superuser', 'avnadmin', 'doadmin')
         order by p.rolname
         limit 1)::text as provider
  from pg_catalog.pg_roles r
 where r.rolname = current_user
