-- Sequences by the share that is used of what they, or the columns that take from them, can give;
-- the fullest first. Not those that begin again.
--
-- Each that is read is locked until the statement ends: no more of them than half of the lock
-- table has room for (see locks.sql), those that end first. unread counts those that are left and
-- may end in a lifetime: a bigint does not.
with taken as (
  -- Columns of which a sequence is part, and those whose default takes from one.
  select d.objid as seq, d.refobjid as rel, d.refobjsubid as att
    from pg_catalog.pg_depend d
   where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
     and d.deptype in ('a', 'i') and d.refobjsubid > 0
  union all
  select d.refobjid, a.adrelid, a.adnum
    from pg_catalog.pg_depend d
    join pg_catalog.pg_attrdef a on a.oid = d.objid
   where d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass),
widest as (
  -- The narrowest of the columns that take from it.
  select t.seq, min(case a.atttypid when 21 then 32767 when 23 then 2147483647 end) as most
    from taken t
    join pg_catalog.pg_attribute a on a.attrelid = t.rel and a.attnum = t.att
   group by t.seq),
seen as (
  select c.oid, s.seqincrement as step,
         -- Unlogged ones have no value on a standby.
         pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')
           and not (c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()) as is_readable,
         case when s.seqincrement > 0 then least(s.seqmax, w.most)
              else greatest(s.seqmin, -w.most - 1) end as last_possible,
         case when s.seqincrement > 0 then s.seqmax > w.most
              else s.seqmin < -w.most - 1 end as is_column
    from pg_catalog.pg_sequence s
    join pg_catalog.pg_class c on c.oid = s.seqrelid and c.relpersistence <> 't'
    left join widest w on w.seq = c.oid
   where not s.seqcycle),
read as (
  select seen.*,
         case when is_readable and row_number() over (order by pg_catalog.abs(last_possible), oid)
                   <= (select pg_catalog.current_setting('max_locks_per_transaction')::int8
                              * (pg_catalog.current_setting('max_connections')::int8
                                 + pg_catalog.current_setting('max_worker_processes')::int8
                                 + pg_catalog.current_setting('max_wal_senders')::int8
                                 + pg_catalog.current_setting('max_prepared_transactions')::int8
                                 + 1 + coalesce(
                                   pg_catalog.current_setting('autovacuum_worker_slots', true)::int8
                                     + 1,
                                   pg_catalog.current_setting('autovacuum_max_workers')::int8)) / 2)
              then 1 end as is_read
    from seen)
select v.oid::pg_catalog.regclass::text as sequence,
       count(*) filter (where v.is_read is null and pg_catalog.abs(v.last_possible) < 1e15)
         over () as unread,
       coalesce(v.is_column, false) as is_column,
       v.step,
       v.last_possible,
       v.last_value,
       v.last_value::float8 / nullif(v.last_possible, 0)::float8 as share
  from (select read.*,
               case is_read when 1 then pg_catalog.pg_sequence_last_value(oid) end as last_value
          from read) v
 order by v.is_read nulls last, 7 desc nulls last, 1
