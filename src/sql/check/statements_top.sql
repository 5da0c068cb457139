-- The statements of this database that took the most time, one row for each statement and role,
-- with what all took; none where the extension is missing or not loaded. Its schema is known to
-- the catalog alone, so the statement about it is put together here: query_to_xml runs it, and
-- gives back one text, JSON with the characters of XML escaped.
select r.query_id, r.user_name, r.query, r.calls, r.total_ms, r.mean_ms, r.temp_blocks,
       r.all_ms, r.statements, r.hidden
  from pg_catalog.pg_extension e
  join pg_catalog.pg_namespace n on n.oid = e.extnamespace
 cross join lateral (
       select pg_catalog.query_to_xml(pg_catalog.format($statement$
           select coalesce(pg_catalog.json_agg(t), '[]')::text as answer
             from (select g.*,
                          pg_catalog.sum(g.total_ms) over () as all_ms,
                          pg_catalog.count(*) over () as statements,
                          pg_catalog.count(*) filter (where g.query_id is null) over () as hidden
                     from (select s.queryid::text as query_id,
                                  pg_catalog.pg_get_userbyid(s.userid)::text as user_name,
                                  -- Commands are counted as they were written.
                                  case when pg_catalog.min(s.query) ~* 'password'
                                       then '(a command about a password)'
                                       else pg_catalog."left"(pg_catalog.min(s.query), 300) end
                                    as query,
                                  pg_catalog.sum(s.calls)::int8 as calls,
                                  pg_catalog.sum(s.total_exec_time) as total_ms,
                                  pg_catalog.sum(s.total_exec_time)
                                    / nullif(pg_catalog.sum(s.calls), 0)::float8 as mean_ms,
                                  pg_catalog.sum(s.temp_blks_written)::int8 as temp_blocks
                             from %I.pg_stat_statements s
                            where s.dbid = (select d.oid from pg_catalog.pg_database d
                                             where d.datname = pg_catalog.current_database())
                            group by s.queryid, s.userid) g
                    order by g.total_ms desc
                    limit 500) t
           $statement$, n.nspname), false, false, '')::text as answer) x
 cross join lateral pg_catalog.json_to_recordset(pg_catalog.replace(pg_catalog.replace(
       pg_catalog.replace(pg_catalog.substring(x.answer, '<answer>(.*)</answer>'),
       '&lt;', '<'), '&gt;', '>'), '&amp;', '&')::pg_catalog.json)
       as r(query_id text, user_name text, query text, calls int8, total_ms float8,
            mean_ms float8, temp_blocks int8, all_ms float8, statements int8, hidden int8)
 where e.extname = 'pg_stat_statements'
   -- One number, told before anything is run: EXISTS would be a join, in any order.
   and (select pg_catalog.count(*) from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.max') > 0
 order by r.total_ms desc
