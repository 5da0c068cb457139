-- Blocks of tables and indexes that were written, by whom; without the bulk writes that a
-- backend is meant to do itself.
select i.backend_type as writer,
       pg_catalog.sum(i.writes)::int8 as writes,
       pg_catalog.min(extract(epoch from i.stats_reset))::float8 as stats_reset
  from pg_catalog.pg_stat_io i
 where i.object = 'relation' and i.context = 'normal' and i.writes is not null
 group by i.backend_type
