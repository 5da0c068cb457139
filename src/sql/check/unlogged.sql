-- Tables, and sequences that are no table's own, that are empty after a crash.
select c.oid::pg_catalog.regclass::text as name,
       c.relkind = 'S' as is_sequence
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relpersistence = 'u' and c.relkind in ('r', 'S')
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      and d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i')
                      and d.refobjsubid > 0)
 order by 1
