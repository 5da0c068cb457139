-- Checkpoints: by the clock, and asked for (by much WAL, a command or a backup).
select b.checkpoints_timed as timed,
       b.checkpoints_req as requested,
       extract(epoch from b.stats_reset)::float8 as stats_reset
  from pg_catalog.pg_stat_bgwriter b
