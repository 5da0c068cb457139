-- Tables with policies or with row security.
select c.oid::pg_catalog.regclass::text as table,
       c.relrowsecurity as is_on,
       c.relforcerowsecurity as is_forced,
       (select count(*) from pg_catalog.pg_policy p where p.polrelid = c.oid) as policies,
       r.rolname::text as owner,
       r.rolcanlogin and not r.rolsuper and not r.rolbypassrls as owner_logs_in
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_roles r on r.oid = c.relowner
 where c.relkind in ('r', 'p')
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and (c.relrowsecurity
        or exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid))
 order by c.relrowsecurity, 1
