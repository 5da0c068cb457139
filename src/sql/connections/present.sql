-- What of processes $1 is still there: times as in victims.sql.
select a.pid,
       a.state,
       (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8 as began_us,
       (pg_catalog.date_part('epoch', a.query_start) * 1000000)::pg_catalog.int8 as statement_us
  from pg_catalog.pg_stat_activity a
 where a.pid = any ($1)
