-- Tables without row security, one row for each schema; not partitions to which nobody was given
-- a right: they are reached through their parent.
select n.nspname::text as schema,
       pg_catalog.json_agg(c.oid::pg_catalog.regclass::text order by c.relname) as tables
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and not c.relrowsecurity and c.relpersistence <> 't'
   and not (c.relispartition and c.relacl is null)
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
 group by n.nspname
 order by 1
