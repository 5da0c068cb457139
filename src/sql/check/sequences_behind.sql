-- Sequences and the greatest value of the column that they belong to, where an index gives it in
-- one step. Which tables there are is only known to the server: it is asked of it through
-- query_to_xml(), which runs a statement for each.
--
-- Each table that is looked at is locked (as by any SELECT) until the statement ends, with its
-- partitions and indexes: of those at most 2000 and what half of the lock table has room for (see
-- locks.sql), the largest tables first. Beside what was asked it tells how many were not: whose
-- column no index leads (a scan would tell), those over that number, and those of which no one
-- index has all rows.
with owned as (
  select s.seqrelid as seq, s.seqincrement as step, t.oid as tab, t.relkind, t.relpages,
         t.relpersistence, a.attname,
         pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT')
           and pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT')
           and not pg_catalog.row_security_active(t.oid)
           and not (t.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()) as is_readable,
         -- A parent's children need not have its index; foreign partitions are elsewhere.
         exists (select from pg_catalog.pg_index i
                   join pg_catalog.pg_class x on x.oid = i.indexrelid
                   join pg_catalog.pg_am m on m.oid = x.relam and m.amname = 'btree'
                  where i.indrelid = t.oid and i.indisvalid and i.indpred is null
                    and i.indkey[0] = a.attnum) as is_indexed,
         not (t.relkind = 'r' and exists (select from pg_catalog.pg_inherits h
                                                 where h.inhparent = t.oid))
           and not (t.relkind = 'p'
                    and exists (select from pg_catalog.pg_partition_tree(t.oid) p
                                  join pg_catalog.pg_class f on f.oid = p.relid
                                 where f.relkind = 'f')) as is_whole,
         (case t.relkind when 'p' then (select count(*) from pg_catalog.pg_partition_tree(t.oid))
                         else 1 end)
           * (1 + (select count(*) from pg_catalog.pg_index i where i.indrelid = t.oid)) as locks
    from pg_catalog.pg_sequence s
    join pg_catalog.pg_class c on c.oid = s.seqrelid and c.relpersistence <> 't'
    join pg_catalog.pg_depend d on d.objid = s.seqrelid
     and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
     and d.deptype in ('a', 'i') and d.refobjsubid > 0
    join pg_catalog.pg_class t on t.oid = d.refobjid and t.relkind in ('r', 'p')
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
   where s.seqincrement > 0 and not s.seqcycle and a.atttypid in (20, 21, 23)),
chosen as (
  select o.*,
         o.can_tell
           and pg_catalog.sum(case when o.can_tell then o.locks else 0 end)
               over (order by o.relpages desc, o.seq)
             <= least(2000,
                      pg_catalog.current_setting('max_locks_per_transaction')::int8
                      * (pg_catalog.current_setting('max_connections')::int8
                         + pg_catalog.current_setting('max_worker_processes')::int8
                         + pg_catalog.current_setting('max_wal_senders')::int8
                         + pg_catalog.current_setting('max_prepared_transactions')::int8
                         + 1 + coalesce(
                           pg_catalog.current_setting('autovacuum_worker_slots', true)::int8 + 1,
                           pg_catalog.current_setting('autovacuum_max_workers')::int8)) / 2)
               as is_asked
    from (select w.*, w.is_readable and w.is_indexed and w.is_whole as can_tell
            from owned w) o),
answered as (
  select c.*,
         case when c.is_asked
              then pg_catalog.query_to_xml(pg_catalog.format(
                     'select q.last_value as l, q.is_called::int4 as c, '
                     '(select pg_catalog.max(t.%I) from %s t) as m from %s q',
                     c.attname, c.tab::pg_catalog.regclass, c.seq::pg_catalog.regclass),
                     true, false, '')::text end as answer
    from chosen c),
read as (
  select a.*,
         substring(a.answer from '<l>(-?[0-9]+)</l>')::int8
           + case substring(a.answer from '<c>([01])</c>') when '1' then a.step else 0 end as next,
         substring(a.answer from '<m>(-?[0-9]+)</m>')::int8 as greatest
    from answered a)
select r.seq::pg_catalog.regclass::text as sequence,
       r.tab::pg_catalog.regclass::text as table,
       r.attname::text as column,
       r.next,
       r.greatest,
       null::int8 as asked,
       null::int8 as unreadable,
       null::int8 as unindexed,
       null::int8 as over,
       null::int8 as others
  from read r
 where r.next <= r.greatest
union all
select null, null, null, null, null,
       count(*) filter (where r.is_asked),
       count(*) filter (where not r.is_readable),
       count(*) filter (where r.is_readable and not r.is_indexed),
       count(*) filter (where r.can_tell and not r.is_asked),
       count(*) filter (where r.is_readable and r.is_indexed and not r.is_whole)
  from read r
 -- The one without a name comes first.
 order by 1 nulls first
