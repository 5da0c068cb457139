-- Indexes that no query uses because they are not valid; not those of tables where one is being
-- built (a REINDEX builds all of a table and of its TOAST table, and tells of one at a time), nor
-- those of partitioned tables, which wait for their partitions'. relid is null where the role does
-- not see what another one does.
select i.indexrelid::pg_catalog.regclass::text as index,
       i.indrelid::pg_catalog.regclass::text as table,
       i.indisunique as is_unique
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
 where not i.indisvalid
   and not exists (select from pg_catalog.pg_stat_progress_create_index p
                    where p.datid = (select d.oid from pg_catalog.pg_database d
                                      where d.datname = pg_catalog.current_database())
                      and (p.relid = i.indrelid
                           or exists (select from pg_catalog.pg_class t
                                       where (t.oid = p.relid and t.reltoastrelid = i.indrelid)
                                          or (t.oid = i.indrelid
                                              and t.reltoastrelid = p.relid))))
 order by i.indisunique desc, 1
