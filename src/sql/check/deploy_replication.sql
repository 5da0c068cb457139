-- How far standbys and slots are behind. Lags are null where a standby has nothing to catch up on.
with now as (
     select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                 else pg_catalog.pg_current_wal_lsn() end as lsn)
select 'standby' as kind,
       coalesce(nullif(r.application_name, ''), 'walreceiver') as name,
       r.state = 'streaming' as active,
       pg_catalog.date_part('epoch', r.replay_lag) as seconds,
       pg_catalog.pg_wal_lsn_diff(now.lsn, r.replay_lsn)::pg_catalog.float8 as bytes
  from pg_catalog.pg_stat_replication r, now
union all
select 'slot', s.slot_name::pg_catalog.text, s.active, null,
       pg_catalog.pg_wal_lsn_diff(now.lsn, coalesce(s.confirmed_flush_lsn, s.restart_lsn))::pg_catalog.float8
  from pg_catalog.pg_replication_slots s, now
 where not s.temporary
 order by 1, 2
