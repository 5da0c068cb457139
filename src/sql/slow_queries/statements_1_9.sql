-- What pg_stat_statements 1.9 has counted, the most time first. {schema}: where the extension
-- is. $1: of this database; $2: of this role (null: of all); $3: a mean of at least so many ms;
-- $4: at least so many calls; $5: rows at most. Without pg_read_all_stats the id and the text of
-- others' statements are hidden.
select s.queryid::text as query_id,
       pg_catalog.pg_get_userbyid(s.userid)::text as user_name,
       d.datname::text as database,
       s.toplevel as toplevel,
       case when s.queryid is not null then s.query end as query,
       s.calls,
       s.rows,
       s.total_exec_time as total_ms,
       s.min_exec_time as min_ms,
       s.max_exec_time as max_ms,
       s.stddev_exec_time as stddev_ms,
       s.plans,
       s.total_plan_time as plan_ms,
       s.shared_blks_hit as shared_hit,
       s.shared_blks_read as shared_read,
       s.shared_blks_dirtied as shared_dirtied,
       s.shared_blks_written as shared_written,
       s.temp_blks_read as temp_read,
       s.temp_blks_written as temp_written,
       s.blk_read_time as read_ms,
       s.blk_write_time as write_ms,
       null::float8 as local_io_ms,
       null::float8 as temp_io_ms,
       s.wal_records,
       s.wal_bytes::int8 as wal_bytes,
       null::int8 as parallel_workers,
       null::float8 as since
  from {schema}.pg_stat_statements s
  left join pg_catalog.pg_database d on d.oid = s.dbid
 where ($1::text is null or d.datname = $1)
   and ($2::text is null or pg_catalog.pg_get_userbyid(s.userid) = $2)
   and s.mean_exec_time >= $3
   and s.calls >= $4
 order by s.total_exec_time desc
 limit $5
