-- The ten largest indexes with how often they were used; see largest_tables.
with largest as materialized (
    select c.oid, i.indrelid, c.relpages
      from pg_catalog.pg_class c join pg_catalog.pg_index i on i.indexrelid = c.oid
     where c.relkind = 'i' and i.indrelid >= 16384
     order by c.relpages desc, c.oid limit 10
)
select l.oid::pg_catalog.regclass::text as name,
       l.indrelid::pg_catalog.regclass::text as table,
       case when l.oid in (select k.relation from pg_catalog.pg_locks k
                            where k.mode = 'AccessExclusiveLock' and k.relation is not null
                              and k.database = (select d.oid from pg_catalog.pg_database d
                                                 where d.datname = pg_catalog.current_database()))
            then l.relpages::float8 * pg_catalog.current_setting('block_size')::float8
            else pg_catalog.pg_relation_size(l.oid)::float8 end as bytes,
       pg_catalog.pg_stat_get_numscans(l.oid) as scans,
       pg_catalog.date_part('epoch', pg_catalog.now() - pg_catalog.pg_stat_get_lastscan(l.oid)) as used_ago
  from largest l
 order by bytes desc, 1
