-- What roles and databases have instead of the server's settings; null stands for all of them.
select d.datname as database,
       r.rolname as role,
       pg_catalog.split_part(c.entry, '=', 1) as name,
       -- Applications keep secrets in settings of their own.
       case when pg_catalog.split_part(c.entry, '=', 1) ~* 'secret|passw|token|jwt|key|credential'
              or pg_catalog.split_part(c.entry, '=', 1)
                 ~ '^(?!pg_|auto_explain|pgaudit|plpgsql|timescaledb|rds|cron|ssl).*\.'
            then '(a value of its own)'
            else pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1) end as value
  from pg_catalog.pg_db_role_setting s
  left join pg_catalog.pg_database d on d.oid = s.setdatabase
  left join pg_catalog.pg_roles r on r.oid = s.setrole
 cross join lateral pg_catalog.unnest(s.setconfig) as c (entry)
 order by 1 nulls first, 2 nulls first, 3
