-- Replication slots that keep old rows, $1 at most, the oldest first: of all tables, or of the
-- system catalogs alone.
select s.slot_name::text as name,
       pg_catalog.age(s.xmin)::int8 as age,
       pg_catalog.age(s.catalog_xmin)::int8 as catalog_age
  from pg_catalog.pg_replication_slots s
 where s.xmin is not null
    or s.catalog_xmin is not null
 order by greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)) desc, 1
 limit $1
