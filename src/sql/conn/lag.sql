-- How far behind a standby is; $1 is the primary's position of a moment ago, or null. All
-- columns may be null, which is "not known". It may run where search_path is not set: see
-- facts.sql.
select pg_catalog.pg_last_wal_replay_lsn() operator(pg_catalog.>=) $1::pg_catalog.pg_lsn
         as caught_up,
       pg_catalog.pg_last_wal_replay_lsn() operator(pg_catalog.>=)
         pg_catalog.pg_last_wal_receive_lsn() as replayed,
       exists (select from pg_catalog.pg_stat_wal_receiver r where r.pid is not null) as receiving,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() operator(pg_catalog.-)
                                     pg_catalog.pg_last_xact_replay_timestamp()) as behind
