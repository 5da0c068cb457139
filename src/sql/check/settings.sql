-- Every setting that this role sees. reset_val is what a new session of this role has; setting is
-- what this session made of it. A connection string with a password is left out.
select s.name,
       case when s.name <> 'primary_conninfo' then s.setting end as setting,
       case when s.name <> 'primary_conninfo' then s.reset_val end as reset_val,
       s.boot_val,
       s.unit,
       s.context,
       s.source,
       s.pending_restart
  from pg_catalog.pg_settings s
 order by s.name
