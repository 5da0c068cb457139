-- Triggers that do not fire, and the constraints whose own triggers do not; a partition's only
-- where its parent's fires. One row for each trigger or constraint.
select distinct
       t.tgrelid::pg_catalog.regclass::text as table,
       coalesce(c.conname, t.tgname)::text as name,
       case when c.oid is null then pg_catalog.quote_ident(t.tgname) end as quoted,
       c.oid is not null as is_constraint
  from pg_catalog.pg_trigger t
  left join pg_catalog.pg_constraint c on t.tgisinternal and c.oid = t.tgconstraint
 where t.tgenabled = 'D' and (not t.tgisinternal or c.oid is not null)
   and not exists (select from pg_catalog.pg_trigger p
                    where p.oid = t.tgparentid and p.tgenabled = 'D')
 order by 1, 2
