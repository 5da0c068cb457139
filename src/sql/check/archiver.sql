-- The archiver, and how it is set up. The names of segments tell how many wait.
select pg_catalog.current_setting('archive_mode') as mode,
       coalesce(pg_catalog.current_setting('archive_command'), '') as command,
       coalesce(pg_catalog.current_setting('archive_library', true), '') as library,
       a.archived_count as archived,
       a.failed_count as failed,
       a.last_archived_wal as archived_segment,
       extract(epoch from a.last_archived_time)::float8 as archived_at,
       a.last_failed_wal as failed_segment,
       extract(epoch from a.last_failed_time)::float8 as failed_at,
       extract(epoch from a.stats_reset)::float8 as since,
       case when not pg_catalog.pg_is_in_recovery()
            then pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) end as segment,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as segment_bytes
  from pg_catalog.pg_stat_archiver a
