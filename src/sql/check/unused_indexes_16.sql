-- Indexes that no query used for a while, with how long uses are counted: a crash forgets the
-- counters, and is seen by when those of the background writer began. Not those that keep rows
-- unique, carry a replica identity, help a foreign key or belong to a partitioned one.
with used as materialized (
    select i.indexrelid, i.indrelid, i.indkey, c.relpages,
           pg_catalog.pg_stat_get_numscans(i.indexrelid) as scans,
           pg_catalog.pg_stat_get_lastscan(i.indexrelid) as last
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
     where i.indrelid >= 16384 and c.relkind = 'i' and not c.relispartition and c.relpages > 1
       and i.indisvalid and i.indislive
       and not (i.indisunique or i.indisprimary or i.indisexclusion or i.indisreplident)
       -- Whoever asks for uses within the last day asks too early.
       and (pg_catalog.pg_stat_get_numscans(i.indexrelid) = 0
            or pg_catalog.pg_stat_get_lastscan(i.indexrelid) < pg_catalog.now() - interval '1 day')
)
select null::text as index, null::text as table, null::float8 as bytes, null::int8 as scans,
       null::float8 as idle,
       pg_catalog.date_part('epoch', pg_catalog.now() - greatest(
           pg_catalog.pg_stat_get_db_stat_reset_time(d.oid),
           (select b.stats_reset from pg_catalog.pg_stat_bgwriter b))) as counted
  from pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()
 union all
(select u.indexrelid::pg_catalog.regclass::text, u.indrelid::pg_catalog.regclass::text,
        u.relpages::float8 * pg_catalog.current_setting('block_size')::float8, u.scans,
        pg_catalog.date_part('epoch', pg_catalog.now() - u.last), null
   from used u
  where not exists (select from pg_catalog.pg_constraint n
                     where n.contype = 'f' and n.conrelid = u.indrelid
                       and (u.indkey::int2[])[0:cardinality(n.conkey) - 1] @> n.conkey
                       and (u.indkey::int2[])[0:cardinality(n.conkey) - 1] <@ n.conkey)
  order by u.relpages desc, u.indexrelid)
