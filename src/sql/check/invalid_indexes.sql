-- Indexes that no query uses because they are not valid; not those that are being built, nor those
-- of partitioned tables, which wait for their partitions'.
select i.indexrelid::pg_catalog.regclass::text as index,
       i.indrelid::pg_catalog.regclass::text as table,
       i.indisunique as is_unique
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
 where not i.indisvalid
   and not exists (select from pg_catalog.pg_stat_progress_create_index p
                    where p.index_relid = i.indexrelid)
 order by i.indisunique desc, 1
