-- The largest tables, with what decides whether a migration rewrites or scans them: columns, checks
-- that say IS NOT NULL, indexes; and whom it locks beside them: foreign keys, seen from either side,
-- and the default partition. Views and sequences too, which are locked as well. Partitioned tables
-- come first: they have no size of their own, and relpages is -1 after ANALYZE. Sizes are asked of
-- the files, but not where that would wait for a lock: there they are as old as the last VACUUM or
-- ANALYZE.
with locked as materialized (
     select l.relation as oid
       from pg_catalog.pg_locks l
      where l.mode = 'AccessExclusiveLock' and l.relation is not null
     union
     select i.indrelid
       from pg_catalog.pg_locks l
       join pg_catalog.pg_index i on i.indexrelid = l.relation
      where l.mode = 'AccessExclusiveLock'),
largest as materialized (
     select c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relpersistence,
            c.relispartition, c.oid in (select oid from locked) as is_locked,
            case when c.oid in (select oid from locked) or c.relkind in ('p', 'f')
                 then greatest(c.relpages, 0)::pg_catalog.int8
                      * pg_catalog.current_setting('block_size')::pg_catalog.int8
                 else pg_catalog.pg_table_size(c.oid) end as bytes
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm', 'f', 'v', 'S')
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      order by c.relkind = 'p' desc, c.relkind = 'S', bytes desc nulls last, c.oid
      limit 1001),
keys as (
     select k.conrelid as oid, k.confrelid as other, k.conname, k.conindid, k.conkey as columns
       from pg_catalog.pg_constraint k
      where k.contype = 'f'
     union all
     select k.confrelid, k.conrelid, k.conname, k.conindid, k.confkey
       from pg_catalog.pg_constraint k
      where k.contype = 'f'),
foreign_keys as materialized (
     select k.oid,
            pg_catalog.json_agg(pg_catalog.json_build_object(
              'schema', n.nspname, 'name', c.relname, 'constraint', k.conname,
              'index', x.relname,
              'columns', (select pg_catalog.json_agg(a.attname)
                            from pg_catalog.pg_attribute a
                           where a.attrelid = k.oid and a.attnum = any (k.columns)))) as list
       from keys k
       join pg_catalog.pg_class c on c.oid = k.other
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_class x on x.oid = k.conindid
      where k.oid in (select oid from largest)
      group by k.oid)
select t.nspname::pg_catalog.text as schema,
       t.relname::pg_catalog.text as name,
       t.relkind::pg_catalog.text as kind,
       greatest(t.reltuples, 0)::pg_catalog.float8 as rows,
       coalesce(t.bytes, 0) as bytes,
       case when t.is_locked or t.relkind in ('p', 'f')
            then (select coalesce(pg_catalog.sum(greatest(x.relpages, 0)), 0)
                         * pg_catalog.current_setting('block_size')::pg_catalog.int8
                    from pg_catalog.pg_index i
                    join pg_catalog.pg_class x on x.oid = i.indexrelid
                   where i.indrelid = t.oid)::pg_catalog.int8
            else pg_catalog.pg_indexes_size(t.oid) end as index_bytes,
       (select pg_catalog.json_object_agg(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
          from pg_catalog.pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped) as columns,
       (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                 'name', k.conname, 'says', pg_catalog.pg_get_constraintdef(k.oid),
                 'is_valid', k.convalidated)), '[]')
          from pg_catalog.pg_constraint k
         where k.conrelid = t.oid and k.contype = 'c'
           and pg_catalog.pg_get_constraintdef(k.oid) ~ 'IS NOT NULL') as not_null_checks,
       (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                 'schema', s.nspname, 'name', x.relname)), '[]')
          from pg_catalog.pg_index i
          join pg_catalog.pg_class x on x.oid = i.indexrelid
          join pg_catalog.pg_namespace s on s.oid = x.relnamespace
         where i.indrelid = t.oid) as indexes,
       coalesce((select f.list from foreign_keys f where f.oid = t.oid), '[]') as foreign_keys,
       t.relispartition as is_partition,
       (select pg_catalog.json_build_object('schema', s.nspname, 'name', p.relname)
          from pg_catalog.pg_inherits h
          join pg_catalog.pg_class p on p.oid = h.inhparent
          join pg_catalog.pg_namespace s on s.oid = p.relnamespace
         where h.inhrelid = t.oid and h.inhseqno = 1) as parent,
       (select pg_catalog.json_build_object('schema', s.nspname, 'name', d.relname)
          from pg_catalog.pg_partitioned_table e
          join pg_catalog.pg_class d on d.oid = e.partdefid
          join pg_catalog.pg_namespace s on s.oid = d.relnamespace
         where e.partrelid = t.oid) as default_partition
  from largest t
 order by t.relkind = 'p' desc, t.relkind = 'S', t.bytes desc nulls last, t.oid
