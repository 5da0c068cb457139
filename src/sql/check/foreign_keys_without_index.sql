-- Foreign keys whose columns no index of the table begins with, in whatever order; partial ones
-- do not help. A partitioned table has the pages of its partitions: its own number is -1 or 0. They
-- are found by pg_inherits, as pg_partition_tree() waits for the locks of each.
select n.conrelid::pg_catalog.regclass::text as table,
       n.conname::text as name,
       n.confrelid::pg_catalog.regclass::text as parent,
       c.relkind = 'p' as partitioned,
       (case c.relkind
        when 'p' then (with recursive parts as (
                         select n.conrelid as oid
                          union
                         select h.inhrelid
                           from parts p
                           join pg_catalog.pg_inherits h on h.inhparent = p.oid)
                       select coalesce(sum(greatest(x.relpages, 0)), 0)
                         from parts p
                         join pg_catalog.pg_class x on x.oid = p.oid and x.relkind <> 'p')
        else greatest(c.relpages, 0) end)::float8
         * pg_catalog.current_setting('block_size')::float8 as bytes,
       coalesce(pg_catalog.pg_stat_get_tuples_deleted(n.confrelid), 0) as parent_deletes,
       (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by k.place)
          from pg_catalog.unnest(n.conkey) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = n.conrelid and a.attnum = k.number)
         as columns
  from pg_catalog.pg_constraint n
  join pg_catalog.pg_class c on c.oid = n.conrelid
 where n.contype = 'f' and n.conparentid = 0
   and not exists (select from pg_catalog.pg_index i
                     join pg_catalog.pg_class x on x.oid = i.indexrelid
                    where i.indrelid = n.conrelid and i.indisvalid and i.indpred is null
                          -- btree and hash answer "equal to".
                      and x.relam in (403, 405)
                      and i.indnkeyatts >= cardinality(n.conkey)
                      and (i.indkey::int2[])[0:cardinality(n.conkey) - 1] @> n.conkey
                      and (i.indkey::int2[])[0:cardinality(n.conkey) - 1] <@ n.conkey)
 order by bytes desc, 1, 2
