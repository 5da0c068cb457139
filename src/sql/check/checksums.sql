-- Whether blocks have checksums, and how often one did not fit; a database of null is what all
-- share.
select s.datname::text as database,
       pg_catalog.current_setting('data_checksums')::bool as enabled,
       s.checksum_failures as failures,
       extract(epoch from s.checksum_last_failure)::float8 as last_failure
  from pg_catalog.pg_stat_database s
 where coalesce(s.checksum_failures, 0) > 0 or s.datname = pg_catalog.current_database()
