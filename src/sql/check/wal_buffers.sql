-- How often WAL was written because its buffers were full.
select w.wal_buffers_full as full_writes,
       extract(epoch from w.stats_reset)::float8 as stats_reset
  from pg_catalog.pg_stat_wal w
