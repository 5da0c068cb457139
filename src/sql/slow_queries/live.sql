-- The statements that run now, the longest first. $1: of this database; $2: of this role (null:
-- of all); $3: rows at most. A role without pg_read_all_stats sees neither state nor text of
-- others' sessions: those have no seconds. Their type is hidden too, but what has a database is no
-- process of the server's own.
select a.pid,
       a.usename::text as user_name,
       a.datname::text as database,
       a.application_name as application,
       extract(epoch from pg_catalog.clock_timestamp() - a.query_start)::float8 as seconds,
       a.wait_event_type,
       a.wait_event,
       case when a.state is not null then a.query end as query,
       a.state is null as hidden
  from pg_catalog.pg_stat_activity a
 where (a.backend_type = 'client backend' or (a.backend_type is null and a.datid is not null))
   and (a.state = 'active' or a.state is null)
   and a.pid <> pg_catalog.pg_backend_pid()
   and ($1::text is null or a.datname = $1)
   and ($2::text is null or a.usename = $2)
 order by seconds desc nulls last, a.pid
 limit $3
