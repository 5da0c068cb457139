-- The write-ahead log's files; needs pg_monitor.
select pg_catalog.count(*) as files,
       coalesce(pg_catalog.sum(w.size), 0)::float8 as bytes
  from pg_catalog.pg_ls_waldir() w
