-- How old the oldest transaction of each table and of its TOAST table is, the oldest first.
select a.oid::pg_catalog.regclass::text as table, a.xids, a.toast_xids,
       pg_catalog.current_setting('autovacuum_freeze_max_age')::int8 as freeze_max_age
  from (select c.oid,
               pg_catalog.age(c.relfrozenxid)::int8 as xids,
               pg_catalog.age(t.relfrozenxid)::int8 as toast_xids
          from pg_catalog.pg_class c
          left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
         where c.relkind in ('r', 'm') and c.relfrozenxid <> '0'
         order by greatest(pg_catalog.age(c.relfrozenxid), pg_catalog.age(t.relfrozenxid)) desc,
                  c.oid
         limit 1001) a
