-- What everybody may do: create objects in a schema, connect to this database.
select 'schema' as kind, n.nspname::text as name, pg_catalog.quote_ident(n.nspname) as quoted
  from pg_catalog.pg_namespace n
 where pg_catalog.has_schema_privilege('public', n.oid, 'CREATE')
   and n.nspname !~ '^pg_(toast|temp)'
union all
select 'database', d.datname::text, pg_catalog.quote_ident(d.datname)
  from pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()
   and pg_catalog.has_database_privilege('public', d.oid, 'CONNECT')
 order by 1, 2
