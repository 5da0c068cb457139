-- What roles and databases set for the sessions of migrations, and what this session would have
-- without that pgtend sets it.
select coalesce(r.rolname, '')::pg_catalog.text as role,
       s.setdatabase <> 0 as in_database,
       pg_catalog.split_part(v.setting, '=', 1) as name,
       pg_catalog.substr(v.setting, pg_catalog.strpos(v.setting, '=') + 1) as value
  from pg_catalog.pg_db_role_setting s
  left join pg_catalog.pg_roles r on r.oid = s.setrole
  cross join lateral pg_catalog.unnest(s.setconfig) v (setting)
 where (s.setdatabase = 0
        or s.setdatabase = (select d.oid from pg_catalog.pg_database d
                             where d.datname = pg_catalog.current_database()))
   and pg_catalog.split_part(v.setting, '=', 1) in ('lock_timeout', 'statement_timeout', 'search_path')
union all
select '-', false, s.name, s.reset_val || coalesce(s.unit, '')
  from pg_catalog.pg_settings s
 where s.name in ('lock_timeout', 'statement_timeout', 'search_path')
 order by 1, 2, 3
