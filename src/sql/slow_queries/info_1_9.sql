-- How far the ranking can be trusted. {schema}: where the extension is.
select i.dealloc,
       extract(epoch from i.stats_reset)::float8 as reset
  from {schema}.pg_stat_statements_info i
