-- How many statements pg_stat_statements has dropped for lack of room, since when; none where the
-- extension is missing, not loaded or older than 1.9. As in statements_top, its schema is known to
-- the catalog alone.
select r.dealloc, r.stats_reset
  from pg_catalog.pg_extension e
  join pg_catalog.pg_namespace n on n.oid = e.extnamespace
 cross join lateral (
       select pg_catalog.query_to_xml(pg_catalog.format($statement$
           select pg_catalog.json_build_object('dealloc', i.dealloc, 'stats_reset',
                    extract(epoch from i.stats_reset)::float8)::text as answer
             from %I.pg_stat_statements_info i
           $statement$, n.nspname), false, false, '')::text as answer) x
 cross join lateral pg_catalog.json_to_record(
       pg_catalog.substring(x.answer, '<answer>(.*)</answer>')::pg_catalog.json)
       as r(dealloc int8, stats_reset float8)
 where e.extname = 'pg_stat_statements'
   -- One number, told before anything is run: EXISTS would be a join, in any order.
   and (select pg_catalog.count(*) from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.max') > 0
   and e.extversion !~ '^1\.[0-8]$'
