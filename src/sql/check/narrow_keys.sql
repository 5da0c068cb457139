-- Primary keys of one column and columns with a sequence of their own that end at two thousand
-- millions or before.
select c.oid::pg_catalog.regclass::text as table,
       a.attname::text as column,
       pg_catalog.quote_ident(a.attname) as quoted,
       pg_catalog.format_type(a.atttypid, null) as type,
       (c.relkind = 'p' or c.reltuples < 0)::bool as is_uncounted,
       c.reltuples::float8 as rows
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where a.atttypid in (21, 23) and a.attnum > 0 and not a.attisdropped
   and not c.relispartition and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and (exists (select from pg_catalog.pg_index i
                 where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
                   and i.indkey[0] = a.attnum)
        or exists (select from pg_catalog.pg_depend d
                    join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
                   where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                     and d.refobjid = c.oid and d.refobjsubid = a.attnum
                     and d.deptype in ('a', 'i')))
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      and d.objid = c.oid and d.deptype = 'e')
 -- Should there be more than are read, the largest are.
 order by c.reltuples desc, 1, 2
