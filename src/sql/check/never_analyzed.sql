-- Tables with rows of which nobody has counted an ANALYZE, and whose statistics are not there
-- either, as far as this role sees them: an ANALYZE is forgotten with the counters.
select t.oid::pg_catalog.regclass::text as table, t.rows
  from (select c.oid, c.relname, c.relnamespace,
               pg_catalog.pg_stat_get_live_tuples(c.oid) as rows
          from pg_catalog.pg_class c
         where c.relkind in ('r', 'm') and c.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace
           and c.relpersistence <> 't'
           and pg_catalog.pg_stat_get_live_tuples(c.oid) > 0
           and pg_catalog.pg_stat_get_last_analyze_time(c.oid) is null
           and pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) is null
         order by rows desc, c.oid
         limit 1001) t
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
 where not exists (select from pg_catalog.pg_stats s
                    where s.schemaname = n.nspname and s.tablename = t.relname)
 order by t.rows desc, 1
