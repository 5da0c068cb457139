-- Functions that run with their owner's rights in the caller's search_path.
select p.oid::pg_catalog.regprocedure::text as function,
       r.rolname::text as owner,
       r.rolsuper as is_superusers,
       pg_catalog.quote_ident(n.nspname) as schema
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_roles r on r.oid = p.proowner
 where p.prosecdef
   and not exists (select from pg_catalog.unnest(p.proconfig) s (setting)
                    where s.setting like 'search\_path=%')
   and n.nspname not in ('pg_catalog', 'information_schema')
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                      and d.objid = p.oid and d.deptype = 'e')
 order by 1
