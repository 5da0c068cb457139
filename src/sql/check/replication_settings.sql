-- What bounds the write-ahead log that is kept, in bytes; max_slot_wal_keep_size is null where
-- nothing bounds it.
select case when pg_catalog.current_setting('max_slot_wal_keep_size') <> '-1'
            then pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_slot_wal_keep_size')) end
         as max_slot_wal_keep_size,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) as max_wal_size,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_keep_size')) as wal_keep_size
