-- Whether autovacuum works at all, and what it has.
select pg_catalog.current_setting('autovacuum')::bool as autovacuum,
       pg_catalog.current_setting('track_counts')::bool as track_counts,
       pg_catalog.current_setting('autovacuum_max_workers')::int8 as max_workers
