-- All that a database has, by kind: one row for each, with the names in one list.
select o.kind, pg_catalog.json_agg(o.name) as names
  from (
    select case c.relkind when 'v' then 'view' when 'm' then 'view' when 'S' then 'sequence'
                          when 'i' then 'index' when 'I' then 'index' else 'table' end as kind,
           c.oid::pg_catalog.regclass::text as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all
    select 'column',
           c.oid::pg_catalog.regclass::text || '.' || pg_catalog.quote_ident(a.attname) || ' '
           || pg_catalog.format_type(a.atttypid, a.atttypmod)
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'f', 'v', 'm')
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where a.attnum > 0 and not a.attisdropped
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all
    select 'function', p.oid::pg_catalog.regprocedure::text
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all
    select 'extension', pg_catalog.quote_ident(e.extname) from pg_catalog.pg_extension e
    union all
    select 'schema', pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_namespace n
     where n.nspname !~ '^pg_'
  ) o
 group by o.kind
