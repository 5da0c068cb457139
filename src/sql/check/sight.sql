-- What this role can see, and the server's clock. Before 14 there is no role that may read all
-- data: it is asked of every table and sequence. $1 roles, $2 settings and $3 functions that only a
-- provider's servers have.
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
       (select coalesce(pg_catalog.array_agg(p.rolname::pg_catalog.text order by p.rolname), '{}')
          from pg_catalog.pg_roles p
         where p.rolname = any ($1)) as provider_roles,
       (select coalesce(pg_catalog.array_agg(n.name order by n.name), '{}')
          from pg_catalog.unnest($2::pg_catalog.text[]) as n (name)
         where pg_catalog.current_setting(n.name, true) is not null) as provider_settings,
       (select coalesce(pg_catalog.array_agg(distinct f.proname::pg_catalog.text), '{}')
          from pg_catalog.pg_proc f
         where f.proname = any ($3)) as provider_functions
  from pg_catalog.pg_roles r
 where r.rolname = current_user
