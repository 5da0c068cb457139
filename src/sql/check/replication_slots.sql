-- The replication slots, with what they may keep; on a standby against what was received.
select s.slot_name::text as slot,
       s.slot_type as kind,
       s.database::text as database,
       s.active,
       s.temporary,
       s.wal_status,
       s.safe_wal_size::float8 as safe_bytes,
       pg_catalog.pg_wal_lsn_diff(
         case when pg_catalog.pg_is_in_recovery()
              then coalesce(pg_catalog.pg_last_wal_receive_lsn(),
                            pg_catalog.pg_last_wal_replay_lsn())
              else pg_catalog.pg_current_wal_lsn() end, s.restart_lsn)::float8 as retained,
       null::float8 as inactive_since,
       false as conflicting,
       null::text as invalidation_reason,
       false as synced
  from pg_catalog.pg_replication_slots s
 order by s.slot_name
