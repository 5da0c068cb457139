-- What a session may do and what it can see, in one row, without any privilege. $1: roles whose
-- membership counts, beside PostgreSQL's own pg_*; $2 roles, $3 settings and $4 functions that
-- only a provider's servers have. It may run where search_path is not set: see facts.sql.
select r.rolname::pg_catalog.text as role,
       session_user::pg_catalog.text as login,
       r.rolsuper as superuser,
       r.rolcreatedb as create_db,
       r.rolcreaterole as create_role,
       r.rolreplication as replication,
       r.rolbypassrls as bypass_rls,
       -- A superuser counts as a member of every role.
       (select coalesce(pg_catalog.array_agg(m.rolname::pg_catalog.text order by m.rolname), '{}')
          from pg_catalog.pg_roles m
         where not r.rolsuper
           and m.oid operator(pg_catalog.<>) r.oid
           and (m.rolname operator(pg_catalog.~~) 'pg\_%'
                or m.rolname operator(pg_catalog.=) any ($1))
           and pg_catalog.pg_has_role(r.oid, m.oid, 'USAGE')) as held,
       pg_catalog.pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE') as sees_activity,
       pg_catalog.pg_has_role(r.oid, 'pg_read_all_settings', 'USAGE') as sees_settings,
       -- A setting of a library that is not loaded is not in the view.
       exists (select from pg_catalog.pg_settings s
                where s.name operator(pg_catalog.=) 'pg_stat_statements.max')
         as statements_loaded,
       (select coalesce(pg_catalog.array_agg(e.extname::pg_catalog.text order by e.extname), '{}')
          from pg_catalog.pg_extension e) as extension_names,
       (select coalesce(pg_catalog.array_agg(e.extversion order by e.extname), '{}')
          from pg_catalog.pg_extension e) as extension_versions,
       (select coalesce(pg_catalog.array_agg(p.rolname::pg_catalog.text order by p.rolname), '{}')
          from pg_catalog.pg_roles p
         where p.rolname operator(pg_catalog.=) any ($2)) as provider_roles,
       (select coalesce(pg_catalog.array_agg(n.name order by n.name), '{}')
          from pg_catalog.unnest($3::pg_catalog.text[]) as n (name)
         where pg_catalog.current_setting(n.name, true) is not null) as provider_settings,
       (select coalesce(pg_catalog.array_agg(distinct f.proname::pg_catalog.text), '{}')
          from pg_catalog.pg_proc f
         where f.proname operator(pg_catalog.=) any ($4)) as provider_functions,
       pg_catalog.version() as version_text,
       t.version as tls_version,
       t.cipher as tls_cipher
  from pg_catalog.pg_roles r
  left join pg_catalog.pg_stat_ssl t on t.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
 where r.rolname operator(pg_catalog.=) current_user
