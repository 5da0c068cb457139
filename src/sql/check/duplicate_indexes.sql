-- Indexes of one table that are the same in all but name, and which of them stays. Expressions are
-- compared as they are stored, without the places where they stood in their statement, and only
-- where all else is the same. Parts of a partitioned index go with it.
with known as materialized (
    select i.*, c.relam, c.relkind, c.relpages, c.relispartition,
           n.conname
      from (select i.*,
                   count(*) over (partition by i.indrelid, i.indnkeyatts, i.indkey::int2[],
                                               i.indclass::oid[], i.indcollation::oid[],
                                               i.indoption::int2[]) as alike
              from pg_catalog.pg_index i
             where i.indisvalid and i.indrelid >= 16384) i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      left join (select n.conindid, min(n.conname::text) as conname from pg_catalog.pg_constraint n
                  where n.contype in ('p', 'u', 'x')
                  group by n.conindid) n on n.conindid = i.indexrelid
     where i.alike > 1
), ranked as (
    select k.*,
           pg_catalog.first_value(k.indexrelid) over same as stays
      from known k
    window same as (partition by k.indrelid, k.relam, k.indnkeyatts, k.indkey::int2[],
                                 k.indclass::oid[], k.indcollation::oid[], k.indoption::int2[],
                                 regexp_replace(k.indexprs::text, ':location -?\d+', '', 'g'),
                                 regexp_replace(k.indpred::text, ':location -?\d+', '', 'g')
                    order by k.indisprimary desc, (k.conname is not null) desc, k.indisunique desc,
                             k.indisreplident desc, k.relispartition desc, k.indexrelid)
)
select r.indexrelid::pg_catalog.regclass::text as index,
       r.stays::pg_catalog.regclass::text as stays,
       r.indrelid::pg_catalog.regclass::text as table,
       r.relkind = 'I' as partitioned,
       r.relpages::float8 * pg_catalog.current_setting('block_size')::float8 as bytes,
       pg_catalog.quote_ident(r.conname) as constraint
  from ranked r
  join pg_catalog.pg_index s on s.indexrelid = r.stays
 where r.indexrelid <> r.stays and not r.relispartition and not r.indisexclusion
   and not r.indisreplident
   -- A unique index only gives way to one that is as strict.
   and (not r.indisunique
        or (s.indisunique and (s.indimmediate or not r.indimmediate)
            and pg_catalog.to_jsonb(s) -> 'indnullsnotdistinct'
                is not distinct from pg_catalog.to_jsonb(r) -> 'indnullsnotdistinct'))
 order by bytes desc, 1
