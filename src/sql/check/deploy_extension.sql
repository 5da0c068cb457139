-- The extensions of this database; whether there is something to compare the statements' times with
-- after a deployment; and where the data lies, for the room on its disk: hidden from roles that may
-- not know.
select exists (select from pg_catalog.pg_extension e
                where e.extname = 'pg_stat_statements') as has_statements,
       (select coalesce(pg_catalog.json_agg(e.extname::pg_catalog.text order by e.extname), '[]')
          from pg_catalog.pg_extension e) as extensions,
       (select s.setting from pg_catalog.pg_settings s
         where s.name = 'data_directory') as data_directory
