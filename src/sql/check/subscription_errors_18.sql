-- What went wrong with subscriptions since their statistics were reset.
select s.subname::text as subscription,
       s.apply_error_count as apply_errors,
       s.sync_error_count as sync_errors,
       s.confl_insert_exists + s.confl_update_origin_differs + s.confl_update_exists
         + s.confl_update_missing + s.confl_delete_origin_differs + s.confl_delete_missing
         + s.confl_multiple_unique_conflicts as conflicts,
       u.subenabled as enabled
  from pg_catalog.pg_stat_subscription_stats s
  left join pg_catalog.pg_subscription u on u.oid = s.subid
 order by s.subname
