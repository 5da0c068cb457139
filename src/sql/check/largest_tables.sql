-- The ten largest tables with all that belongs to them. They are found by what the last VACUUM or
-- ANALYZE wrote down, and measured where nobody locks them.
with parts as (
    select c.oid, c.relpages::int8 as pages from pg_catalog.pg_class c
     where c.relkind in ('r', 'm') and c.oid >= 16384
     union all
    select c.oid, t.relpages from pg_catalog.pg_class c
      join pg_catalog.pg_class t on t.oid = c.reltoastrelid where c.oid >= 16384
     union all
    select i.indrelid, x.relpages from pg_catalog.pg_index i
      join pg_catalog.pg_class x on x.oid = i.indexrelid
     where i.indrelid >= 16384 and x.relpages > 0
), largest as materialized (
    select p.oid, sum(p.pages) as pages
      from parts p join pg_catalog.pg_class c on c.oid = p.oid and c.relkind in ('r', 'm')
     group by p.oid order by 2 desc, 1 limit 10
), locked as materialized (
    select coalesce(i.indrelid, m.oid, l.relation) as oid
      from pg_catalog.pg_locks l
      left join pg_catalog.pg_index i on i.indexrelid = l.relation
      left join pg_catalog.pg_class m on m.reltoastrelid = l.relation
     where l.mode = 'AccessExclusiveLock' and l.relation is not null
       and l.database = (select d.oid from pg_catalog.pg_database d
                          where d.datname = pg_catalog.current_database())
)
select l.oid::pg_catalog.regclass::text as name,
       greatest(c.reltuples, 0)::float8 as rows,
       case when l.oid in (select k.oid from locked k)
            then l.pages::float8 * pg_catalog.current_setting('block_size')::float8
            else pg_catalog.pg_total_relation_size(l.oid)::float8 end as bytes
  from largest l join pg_catalog.pg_class c on c.oid = l.oid
 order by bytes desc, 1
