-- Collations in use that the operating system's library sorts by another version of today; the
-- version of the database's own collation is only recorded from 15 on.
with used as (
  select k.coll, count(*) as indexes
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
   cross join lateral pg_catalog.unnest(i.indcollation::pg_catalog.oid[]) k (coll)
   where k.coll <> 0
   group by 1),
held as (
  select a.attcollation as coll, count(*) as columns
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'm')
   where a.attcollation <> 0 and a.attnum > 0 and not a.attisdropped and c.relnamespace <> 11
   group by 1)
select pg_catalog.format('%I.%I', n.nspname, l.collname) as name,
       false as is_database,
       l.collversion as recorded,
       pg_catalog.pg_collation_actual_version(l.oid) as actual,
       coalesce(used.indexes, 0) as indexes,
       coalesce(held.columns, 0) as columns
  from pg_catalog.pg_collation l
  join pg_catalog.pg_namespace n on n.oid = l.collnamespace
  left join used on used.coll = l.oid
  left join held on held.coll = l.oid
 where l.collversion is not null and (used.indexes > 0 or held.columns > 0)
   and l.collversion is distinct from pg_catalog.pg_collation_actual_version(l.oid)
 order by 1
