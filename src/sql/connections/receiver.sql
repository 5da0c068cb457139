-- How a standby follows its primary: one row there, none on a primary. A role without
-- pg_read_all_stats sees of the receiver only that it is there.
select w.pid is not null as receiving,
       w.status,
       w.sender_host,
       w.sender_port,
       w.slot_name as slot,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(),
                                  pg_catalog.pg_last_wal_replay_lsn())::int8 as lag_bytes,
       case when pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() then 0
            else pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() -
                                               pg_catalog.pg_last_xact_replay_timestamp()) end
         as lag_seconds,
       case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_is_wal_replay_paused() end
         as replay_paused
  from (select pg_catalog.pg_is_in_recovery() as here) r
  left join pg_catalog.pg_stat_wal_receiver w on true
 where r.here
