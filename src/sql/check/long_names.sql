-- Names of the greatest length there can be: most likely longer ones that were cut.
with most as (select pg_catalog.current_setting('max_identifier_length')::int4 as bytes)
select 'relation' as kind, c.oid::pg_catalog.regclass::text as name
  from most, pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where pg_catalog.octet_length(c.relname::text) = most.bytes and n.nspname !~ '^pg_'
union all
select 'column', a.attrelid::pg_catalog.regclass::text || '.' || pg_catalog.quote_ident(a.attname)
  from most, pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where pg_catalog.octet_length(a.attname::text) = most.bytes and a.attnum > 0
   and not a.attisdropped and n.nspname !~ '^pg_'
union all
select 'constraint',
       coalesce(nullif(k.conrelid, 0)::pg_catalog.regclass::text, k.contypid::pg_catalog.regtype::text)
       || ' ' || pg_catalog.quote_ident(k.conname)
  from most, pg_catalog.pg_constraint k
  join pg_catalog.pg_namespace n on n.oid = k.connamespace
 where pg_catalog.octet_length(k.conname::text) = most.bytes and n.nspname !~ '^pg_'
       -- Its index has the same name.
   and k.contype not in ('p', 'u', 'x')
union all
select 'trigger', t.tgrelid::pg_catalog.regclass::text || ' ' || pg_catalog.quote_ident(t.tgname)
  from most, pg_catalog.pg_trigger t
 where pg_catalog.octet_length(t.tgname::text) = most.bytes and not t.tgisinternal
union all
select 'function', p.oid::pg_catalog.regprocedure::text
  from most, pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where pg_catalog.octet_length(p.proname::text) = most.bytes and n.nspname !~ '^pg_'
 order by 1, 2
