-- Constraints that were never held against the rows that were there; not those that are not
-- enforced at all (18), which is what their owner wants.
select c.conname::text as constraint,
       case when c.conrelid <> 0 then c.conrelid::pg_catalog.regclass::text end as table,
       case when c.contypid <> 0 then c.contypid::pg_catalog.regtype::text end as domain,
       pg_catalog.quote_ident(c.conname) as quoted
  from pg_catalog.pg_constraint c
  join pg_catalog.pg_namespace n on n.oid = c.connamespace
 where not c.convalidated and c.conparentid = 0
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::pg_catalog.bool, true)
 order by 2, 1
