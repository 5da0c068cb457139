-- How far a server has written its log. It may run where search_path is not set: see facts.sql.
select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_lsn() end::pg_catalog.text as position
