-- What went wrong with subscriptions since their statistics were reset.
select s.subname::text as subscription,
       s.apply_error_count as apply_errors,
       s.sync_error_count as sync_errors,
       0::int8 as conflicts,
       u.subenabled as enabled
  from pg_catalog.pg_stat_subscription_stats s
  left join pg_catalog.pg_subscription u on u.oid = s.subid
 order by s.subname
