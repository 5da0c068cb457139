-- Tables without a primary key; not partitions, whose parents are told, nor those of extensions.
-- With what a key of theirs can have: a column id, and in a partitioned table the columns that it
-- is partitioned by, which have to be in it; there is none where that is by an expression.
select c.oid::pg_catalog.regclass::text as table,
       c.relreplident = 'f' as is_full,
       exists (select from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and a.attname = 'id' and a.attnum > 0
                  and not a.attisdropped) as has_id,
       c.relkind = 'p' as partitioned,
       exists (select from pg_catalog.pg_partitioned_table p
                where p.partrelid = c.oid and 0 = any (p.partattrs::int2[])) as by_expression,
       (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by k.place)
          from pg_catalog.pg_partitioned_table p
         cross join pg_catalog.unnest(p.partattrs::int2[]) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = k.number
         where p.partrelid = c.oid and a.attname <> 'id') as partitioned_by
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and not exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      and d.objid = c.oid and d.deptype = 'e')
 order by 1
