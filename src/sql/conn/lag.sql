-- How far behind a standby is; $1 is the primary's position of a moment ago, or null. All
-- columns may be null, which is "not known".
select pg_catalog.pg_last_wal_replay_lsn() >= $1::text::pg_lsn as caught_up,
       pg_catalog.pg_last_wal_replay_lsn() >= pg_catalog.pg_last_wal_receive_lsn() as replayed,
       exists (select from pg_catalog.pg_stat_wal_receiver r where r.pid is not null) as receiving,
       extract(epoch from pg_catalog.clock_timestamp()
                          - pg_catalog.pg_last_xact_replay_timestamp())::float8 as behind
