-- Indexes of one column, not partial, with the share of nulls in it; null where this role does
-- not see the column's statistics. Not the parts of a partitioned index: they go with it alone.
select i.indexrelid::pg_catalog.regclass::text as index,
       i.indrelid::pg_catalog.regclass::text as table,
       pg_catalog.quote_ident(a.attname) as column,
       i.relpages::float8 * pg_catalog.current_setting('block_size')::float8 as bytes,
       s.null_frac::float8 * 100 as nulls
  from (select i.indexrelid, i.indrelid, i.indkey, c.relpages
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
           and not c.relispartition
         where i.indrelid >= 16384 and i.indisvalid and i.indnkeyatts = 1 and i.indpred is null
           and not i.indisunique and i.indexprs is null and c.relpages > 1
           and c.relam in (403, 405)
         order by c.relpages desc, c.oid
         limit 1001) i
  join pg_catalog.pg_class t on t.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
  left join lateral (select s.null_frac from pg_catalog.pg_stats s
                      where s.schemaname = n.nspname and s.tablename = t.relname
                        and s.attname = a.attname and not s.inherited
                     offset 0) s on true
 order by i.relpages desc, 1
