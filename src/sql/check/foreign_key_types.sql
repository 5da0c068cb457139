-- Columns of foreign keys whose type is not that of what they refer to; domains count as what
-- they are made of.
select c.conrelid::pg_catalog.regclass::text as table,
       c.conname::text as constraint,
       a.attname::text as column,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
       c.confrelid::pg_catalog.regclass::text as other_table,
       f.attname::text as other_column,
       pg_catalog.format_type(f.atttypid, f.atttypmod) as other_type
  from pg_catalog.pg_constraint c
 cross join lateral rows from (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey)) k (here, there)
  join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.here
  join pg_catalog.pg_attribute f on f.attrelid = c.confrelid and f.attnum = k.there
  join pg_catalog.pg_type ta on ta.oid = a.atttypid
  join pg_catalog.pg_type tf on tf.oid = f.atttypid
 where c.contype = 'f' and c.conparentid = 0
   and coalesce(nullif(ta.typbasetype, 0), ta.oid) <> coalesce(nullif(tf.typbasetype, 0), tf.oid)
 order by 1, 2, 3
