-- Who streams from this server, $1 at most. A role without pg_read_all_stats sees the first three
-- columns, and the snapshot. Lag is against what was written here; on a standby, received.
select r.pid,
       r.usename::text as role,
       coalesce(r.application_name, '') as application,
       pg_catalog.host(r.client_addr) as client,
       r.state,
       r.sync_state as sync,
       pg_catalog.pg_wal_lsn_diff(
         case when pg_catalog.pg_is_in_recovery()
              then coalesce(pg_catalog.pg_last_wal_receive_lsn(),
                            pg_catalog.pg_last_wal_replay_lsn())
              else pg_catalog.pg_current_wal_lsn() end, r.replay_lsn)::int8 as lag_bytes,
       pg_catalog.date_part('epoch', r.replay_lag) as lag_seconds,
       pg_catalog.age(r.backend_xmin)::int8 as xmin_age
  from pg_catalog.pg_stat_replication r
 order by r.application_name, r.pid
 limit $1
