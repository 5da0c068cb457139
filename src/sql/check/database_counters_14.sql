-- What has been counted of this database since its statistics were reset, or since the server
-- lost them; times in milliseconds.
select d.xact_commit,
       d.xact_rollback,
       d.blks_read,
       d.blks_hit,
       d.tup_returned,
       d.tup_fetched,
       d.tup_inserted,
       d.tup_updated,
       d.tup_deleted,
       d.conflicts,
       d.temp_files,
       d.temp_bytes,
       d.deadlocks,
       -- Null where the data has no checksums.
       d.checksum_failures,
       pg_catalog.date_part('epoch', d.checksum_last_failure) as checksum_last_failure,
       d.blk_read_time,
       d.blk_write_time,
       d.session_time,
       d.active_time,
       d.idle_in_transaction_time,
       d.sessions,
       d.sessions_abandoned,
       d.sessions_fatal,
       d.sessions_killed,
       -- Null where nobody has reset them, from 15 on.
       pg_catalog.date_part('epoch', d.stats_reset) as stats_reset,
       pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) as server_start
  from pg_catalog.pg_stat_database d
 where d.datname = pg_catalog.current_database()
