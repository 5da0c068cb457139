-- Takes the transaction's snapshot and exports it: nothing before this statement may need one.
SELECT pg_export_snapshot() AS id,
       (extract(epoch FROM clock_timestamp()) * 1e6)::int8 AS taken_us,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
             ELSE pg_current_wal_lsn() END)::text AS lsn,
       pg_snapshot_xmin(pg_current_snapshot())::text AS xmin
