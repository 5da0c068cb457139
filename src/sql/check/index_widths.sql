-- What the largest btree indexes would need for their entries; see table_widths. Columns have the
-- statistics of their table's, expressions those of the index; TOAST tables never have any.
select c.oid::pg_catalog.regclass::text as index,
       c.indrelid::pg_catalog.regclass::text as table,
       c.relpages::float8 * pg_catalog.current_setting('block_size')::float8 as bytes,
       pg_catalog.current_setting('block_size')::float8 as block_size,
       c.reltuples::float8 as rows,
       coalesce((select o.option_value::float8 from pg_catalog.pg_options_to_table(c.reloptions) o
                  where o.option_name = 'fillfactor'), 90) as fillfactor,
       w.width, w.nulls, w.unseen,
       -- Equal keys of a plain index share an entry, where equal keys are equal byte for byte.
       case when c.indisunique or c.indnatts > 1 or not w.same_bytes
                 or exists (select from pg_catalog.pg_options_to_table(c.reloptions) o
                             where o.option_name = 'deduplicate_items' and not o.option_value::bool)
            then null else w.different end as different
  from (select c.*, i.indrelid, i.indkey, i.indisunique, i.indnatts
          from pg_catalog.pg_class c
          join pg_catalog.pg_index i on i.indexrelid = c.oid
         where c.relkind = 'i' and c.relpages > 10 and c.relam = 403 and i.indisvalid
           and c.relpersistence <> 't'
           and c.relnamespace not in ('pg_catalog'::pg_catalog.regnamespace,
                                      'pg_toast'::pg_catalog.regnamespace)
         order by c.relpages desc, c.oid
         limit 1001) c
  join pg_catalog.pg_class t on t.oid = c.indrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
 cross join lateral (
    select coalesce(sum((1 - coalesce(s.null_frac, 0))
                        * case when a.attlen > 0 then a.attlen else s.avg_width end), 0)::float8
             as width,
           coalesce(bool_or(s.null_frac > 0), false) as nulls,
           count(*) - count(s.null_frac) as unseen,
           -- numeric, float4, float8, jsonb, and what holds other values.
           bool_and(y.oid not in (1700, 700, 701, 3802) and y.typcategory not in ('A', 'C', 'R'))
             as same_bytes,
           max(case when s.n_distinct < 0 then -s.n_distinct * greatest(t.reltuples, 0)
                    else s.n_distinct end)::float8 as different
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type y on y.oid = a.atttypid
      left join pg_catalog.pg_attribute k
             on k.attrelid = c.indrelid and k.attnum = c.indkey[a.attnum - 1]
            and c.indkey[a.attnum - 1] > 0
      left join lateral (
          select s.null_frac, s.avg_width, s.n_distinct
            from pg_catalog.pg_stats s
           where s.schemaname = n.nspname and not s.inherited
             and s.tablename = case when k.attname is null then c.relname else t.relname end
             and s.attname = coalesce(k.attname, a.attname)
          offset 0) s on true
     where a.attrelid = c.oid and a.attnum > 0) w
 order by c.relpages desc, 1
