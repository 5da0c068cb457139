-- Who vacuums now: each worker of autovacuum, and each VACUUM by hand. A worker's transaction
-- begins with its table.
select a.backend_type = 'autovacuum worker' as worker,
       a.datname::text as database,
       case when p.datid = (select d.oid from pg_catalog.pg_database d
                             where d.datname = pg_catalog.current_database())
            then p.relid::pg_catalog.regclass::text
            else 'relation ' || p.relid end as table,
       p.phase,
       p.heap_blks_total as pages,
       p.heap_blks_scanned as pages_done,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) as seconds,
       a.query like 'autovacuum: %(to prevent wraparound)' as against_wraparound
  from pg_catalog.pg_stat_activity a
  left join pg_catalog.pg_stat_progress_vacuum p on p.pid = a.pid
 where a.backend_type = 'autovacuum worker' or p.pid is not null
 order by seconds desc nulls last, a.pid
