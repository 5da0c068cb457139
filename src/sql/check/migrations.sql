-- The version tables of the common migration tools, with their rows as JSON: what a table is called
-- is only known here, and query_to_xml reads it in the same statement: the newest 10,000, newest
-- first, and one more where there are more. What this role may not read is null.
select t.schema, t.name,
       pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
         pg_catalog.substring(pg_catalog.query_to_xml(t.query, false, false, '')::pg_catalog.text,
                              '<rows>(.*)</rows>'),
         '&lt;', '<'), '&gt;', '>'), '&amp;', '&')::pg_catalog.json as rows,
       t.query is not null as readable
  from (select n.nspname::pg_catalog.text as schema, c.relname::pg_catalog.text as name,
               case when pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                     and pg_catalog.has_table_privilege(c.oid, 'SELECT')
                    then pg_catalog.format(
                      'select coalesce(pg_catalog.json_agg(r), ''[]'') as rows from (select %s from '
                      '%I.%I t order by %s limit 10001) r',
                      case c.relname
                           when '_sqlx_migrations' then 'version, success, description'
                           when '_prisma_migrations' then
                             'migration_name, finished_at is not null as finished, '
                             'rolled_back_at is not null as rolled_back'
                           when 'flyway_schema_history' then 'version, script, success'
                           when 'django_migrations' then 'app, name'
                           when 'alembic_version' then 'version_num'
                           -- Some keep the statements there, passwords and all.
                           else 'pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('
                                '''version'', pg_catalog.to_jsonb(t) -> ''version'', '
                                '''dirty'', pg_catalog.to_jsonb(t) -> ''dirty'')) as row' end,
                      n.nspname, c.relname,
                      case c.relname
                           when '_sqlx_migrations' then 'version desc'
                           when '_prisma_migrations' then 'started_at desc, migration_name desc'
                           when 'flyway_schema_history' then 'installed_rank desc'
                           when 'django_migrations' then 'id desc'
                           when 'alembic_version' then 'version_num desc'
                           -- Numbers, kept as text by some: 10 comes after 9.
                           else 'pg_catalog.length(pg_catalog.ltrim('
                                'pg_catalog.to_jsonb(t) ->> ''version'', ''0'')) desc nulls last, '
                                'pg_catalog.to_jsonb(t) ->> ''version'' desc' end) end as query
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p')
           and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
           and c.relname in ('alembic_version', '_sqlx_migrations', 'flyway_schema_history',
                             'schema_migrations', 'django_migrations', '_prisma_migrations')) t
 order by 1, 2
