-- Free and dead room in the largest tables, measured by pgstattuple, wherever the extension is: a
-- name that is only known now is reached by a statement within the statement. It reads the pages
-- that are not all visible and looks the others up, so both are bounded; a table that somebody
-- locks is not waited for.
with function as (
    select n.nspname,
           pg_catalog.has_schema_privilege(n.oid, 'USAGE')
             and pg_catalog.has_function_privilege(p.oid, 'EXECUTE') as allowed
      from pg_catalog.pg_extension e
      join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                 and d.refobjid = e.oid and d.deptype = 'e'
                                 and d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      join pg_catalog.pg_proc p on p.oid = d.objid and p.proname = 'pgstattuple_approx'
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where e.extname = 'pgstattuple'
), large as (
    select c.oid, c.relpages,
           sum(c.relpages) over largest as pages,
           sum(greatest(c.relpages - c.relallvisible, 0)) over largest as pages_to_read
      from (select c.oid, c.relpages, c.relallvisible
              from pg_catalog.pg_class c
             where c.relkind in ('r', 'm') and c.relpages >= 128
               and c.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace
               and c.relpersistence <> 't'
             order by c.relpages desc, c.oid
             limit 20) c
    window largest as (order by c.relpages desc, c.oid)
), locked as materialized (
    select l.relation from pg_catalog.pg_locks l
     where l.mode = 'AccessExclusiveLock' and l.relation is not null
       and l.database = (select d.oid from pg_catalog.pg_database d
                          where d.datname = pg_catalog.current_database())
)
select f.allowed, l.oid::pg_catalog.regclass::text as table,
       m.answer is not null as measured,
       substring(m.answer from '<table_len>([^<]*)<')::float8 as bytes,
       substring(m.answer from '<approx_free_space>([^<]*)<')::float8 as free,
       substring(m.answer from '<dead_tuple_len>([^<]*)<')::float8 as dead
  from function f
  left join large l on true
 cross join lateral (
    select case when f.allowed and l.pages <= 2000000 and l.pages_to_read <= 32768
                     and l.oid not in (select k.relation from locked k)
                then pg_catalog.query_to_xml(
                         pg_catalog.format('select * from %I.pgstattuple_approx(%s)',
                                           f.nspname, l.oid), true, true, '')::text end as answer) m
 order by l.relpages desc, 2
