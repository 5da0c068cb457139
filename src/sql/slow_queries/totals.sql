-- What pg_stat_statements has counted in all, without texts. {schema}: where the extension is.
-- $1: of this database; $2: of this role (null: of all).
select extract(epoch from pg_catalog.clock_timestamp())::float8 as at,
       pg_catalog.count(*) as entries,
       pg_catalog.count(*) filter (where s.chosen) as statements,
       pg_catalog.count(*) filter (where s.chosen and s.queryid is null) as hidden,
       coalesce(pg_catalog.sum(s.calls) filter (where s.chosen), 0)::int8 as calls,
       coalesce(pg_catalog.sum(s.total_exec_time) filter (where s.chosen), 0)::float8 as total_ms
  from (select p.queryid, p.calls, p.total_exec_time,
               ($1::text is null or d.datname = $1)
               and ($2::text is null or pg_catalog.pg_get_userbyid(p.userid) = $2) as chosen
          from {schema}.pg_stat_statements(false) p
          left join pg_catalog.pg_database d on d.oid = p.dbid) s
