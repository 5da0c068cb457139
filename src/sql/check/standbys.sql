-- Who streams from this server, base backups aside; lag in bytes against what was written here,
-- on a standby received. A role without pg_read_all_stats sees no positions.
select coalesce(r.application_name, '') as application,
       pg_catalog.host(r.client_addr) as client,
       r.state,
       r.sync_state as sync,
       pg_catalog.pg_wal_lsn_diff(
         case when pg_catalog.pg_is_in_recovery()
              then coalesce(pg_catalog.pg_last_wal_receive_lsn(),
                            pg_catalog.pg_last_wal_replay_lsn())
              else pg_catalog.pg_current_wal_lsn() end,
         -- pg_receivewal writes and does not replay.
         coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn, r.sent_lsn))::float8 as bytes,
       extract(epoch from coalesce(r.replay_lag, r.flush_lag, r.write_lag))::float8 as seconds
  from pg_catalog.pg_stat_replication r
 where r.state is distinct from 'backup'
 order by r.application_name, r.client_addr, r.pid
