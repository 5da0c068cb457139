-- Tables, or their TOAST tables, that autovacuum leaves out because somebody said so.
select coalesce(m.oid, c.oid)::pg_catalog.regclass::text as table,
       c.relkind = 't' as toast
  from pg_catalog.pg_class c
  left join pg_catalog.pg_class m on c.relkind = 't' and m.reltoastrelid = c.oid
 where c.relkind in ('r', 'm', 't') and c.relpersistence <> 't' and c.reloptions is not null
   and exists (select from pg_catalog.pg_options_to_table(c.reloptions) o
                where o.option_name = 'autovacuum_enabled' and not o.option_value::bool)
 order by 1, 2
