-- Btree indexes that begin with an array, and those on nothing but a boolean.
select i.indexrelid::pg_catalog.regclass::text as index,
       i.indrelid::pg_catalog.regclass::text as table,
       i.indrelid::pg_catalog.regclass::text || ' ('
         || pg_catalog.quote_ident(a.attname) || ')' as place,
       pg_catalog.quote_ident(a.attname) as column,
       y.typcategory = 'A' as array,
       i.indexprs is not null as expression,
       c.relpages::float8 * pg_catalog.current_setting('block_size')::float8 as bytes
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relam = 403 and not c.relispartition
  join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid and a.attnum = 1
  join pg_catalog.pg_type y on y.oid = a.atttypid
 where i.indrelid >= 16384 and not i.indisunique
   and (y.typcategory = 'A' or (y.oid = 16 and i.indnkeyatts = 1 and i.indpred is null))
 order by bytes desc, 1
