-- Relations of this database with one of the names $2, in one of the schemas $1 (none: in any), at
-- most $3.
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
       n.nspname::pg_catalog.text as schema_name,
       c.relname::pg_catalog.text as relation_name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relname::pg_catalog.text = any ($2)
   and (pg_catalog.cardinality($1) = 0 or n.nspname::pg_catalog.text = any ($1))
   and c.relkind <> 'c'
 order by 1
 limit $3
