-- How often tables were read by an index and from end to end, in this database.
select coalesce(sum(pg_catalog.pg_stat_get_numscans(c.oid))
                  filter (where c.relkind = 'i'), 0)::int8 as by_index,
       coalesce(sum(pg_catalog.pg_stat_get_numscans(c.oid))
                  filter (where c.relkind in ('r', 'm')), 0)::int8 as sequential,
       count(*) filter (where c.relkind = 'i') as indexes,
       count(*) filter (where c.relkind = 'i'
                          and pg_catalog.pg_stat_get_numscans(c.oid) = 0) as without_use
  from pg_catalog.pg_class c
 where c.relkind in ('i', 'r', 'm') and c.oid >= 16384
   and c.relnamespace <> 'pg_toast'::pg_catalog.regnamespace
