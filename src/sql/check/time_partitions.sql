-- Tables that are partitioned by ranges of time, with the bounds of their partitions. The type of
-- a key that is an expression is not known here: the bounds tell.
select c.oid::pg_catalog.regclass::text as table,
       (select pg_catalog.format_type(a.atttypid, null)
          from pg_catalog.pg_attribute a
         where a.attrelid = c.oid and a.attnum = p.partattrs[0] and a.attnum > 0) as key_type,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid) as own_bound,
       d.oid::pg_catalog.regclass::text as default_partition,
       (select pg_catalog.sum(pg_catalog.pg_relation_size(t.relid))
          from pg_catalog.pg_partition_tree(d.oid) t) as default_bytes,
       (select coalesce(pg_catalog.json_agg(pg_catalog.pg_get_expr(b.relpartbound, b.oid)), '[]')
          from pg_catalog.pg_inherits i
          join pg_catalog.pg_class b on b.oid = i.inhrelid
         where i.inhparent = c.oid and b.oid is distinct from d.oid) as bounds
  from pg_catalog.pg_partitioned_table p
  join pg_catalog.pg_class c on c.oid = p.partrelid
  left join pg_catalog.pg_class d on d.oid = p.partdefid
 where p.partstrat = 'r'
   and (p.partattrs[0] = 0
        or exists (select from pg_catalog.pg_attribute a
                    where a.attrelid = c.oid and a.attnum = p.partattrs[0]
                      and a.atttypid in (1082, 1114, 1184)))
 order by 1
