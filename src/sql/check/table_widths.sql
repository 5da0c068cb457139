-- What the largest tables would need for their rows. Sizes are those of the last VACUUM or
-- ANALYZE, so that nothing waits for a lock. Statistics are found one table after the other: the
-- view has names only, and joined as a whole it would be read as a whole.
select c.oid::pg_catalog.regclass::text as table,
       c.relpages::float8 * pg_catalog.current_setting('block_size')::float8 as bytes,
       pg_catalog.current_setting('block_size')::float8 as block_size,
       c.reltuples::float8 as rows,
       coalesce((select o.option_value::float8 from pg_catalog.pg_options_to_table(c.reloptions) o
                  where o.option_name = 'fillfactor'), 100) as fillfactor,
       c.relnatts::float8 as columns,
       w.width, w.nulls, w.unseen
  from (select * from pg_catalog.pg_class c
         where c.relkind in ('r', 'm') and c.relpersistence <> 't'
           and c.relpages > 10 and c.reltuples >= 0
           and c.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace
         order by c.relpages desc, c.oid
         limit 1001) c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 cross join lateral (
    select coalesce(sum((1 - coalesce(s.null_frac, 0))
                        * case when a.attlen > 0 then a.attlen else s.avg_width end), 0)::float8
             as width,
           coalesce(bool_or(s.null_frac > 0), false) as nulls,
           count(*) - count(s.attname) as unseen
      from pg_catalog.pg_attribute a
      left join (select s.attname, s.null_frac, s.avg_width
                   from pg_catalog.pg_stats s
                  where s.schemaname = n.nspname and s.tablename = c.relname and not s.inherited
                 offset 0) s on s.attname = a.attname
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       and a.attgenerated <> 'v') w
 order by c.relpages desc, 1
