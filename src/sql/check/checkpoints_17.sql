-- Checkpoints: by the clock, and asked for (by much WAL, a command or a backup).
select c.num_timed as timed,
       c.num_requested as requested,
       extract(epoch from c.stats_reset)::float8 as stats_reset
  from pg_catalog.pg_stat_checkpointer c
