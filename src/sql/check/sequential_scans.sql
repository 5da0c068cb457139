-- Tables that are read from end to end, and how often by an index instead.
select t.oid::pg_catalog.regclass::text as table, t.rows, t.sequential,
       coalesce((select sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))
                   from pg_catalog.pg_index i where i.indrelid = t.oid), 0)::int8 as by_index,
       pg_catalog.pg_stat_get_tuples_returned(t.oid) as rows_read
  from (select c.oid,
               pg_catalog.pg_stat_get_live_tuples(c.oid) as rows,
               pg_catalog.pg_stat_get_numscans(c.oid) as sequential
          from pg_catalog.pg_class c
         where c.relkind in ('r', 'm') and c.oid >= 16384
           and pg_catalog.pg_stat_get_numscans(c.oid) > 0
         order by pg_catalog.pg_stat_get_tuples_returned(c.oid) desc, c.oid
         limit 1001) t
