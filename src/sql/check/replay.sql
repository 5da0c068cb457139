-- How a standby follows its primary: one row there, none on a primary. Without a receiver
-- nothing tells what the primary has written since.
select w.status as receiver,
       w.pid is not null as receiving,
       pg_catalog.pg_is_wal_replay_paused() as paused,
       pg_catalog.pg_wal_lsn_diff(
         greatest(w.latest_end_lsn, pg_catalog.pg_last_wal_receive_lsn()),
         pg_catalog.pg_last_wal_replay_lsn())::float8 as bytes,
       extract(epoch from pg_catalog.clock_timestamp()
                          - pg_catalog.pg_last_xact_replay_timestamp())::float8 as replayed_seconds
  from (select pg_catalog.pg_is_in_recovery() as here) r
  left join pg_catalog.pg_stat_wal_receiver w on true
 where r.here
