-- Btree indexes whose columns begin another one's: whatever they answer, the other does too.
select a.indexrelid::pg_catalog.regclass::text as index,
       (pg_catalog.array_agg(b.indexrelid::pg_catalog.regclass::text
                             order by b.indnkeyatts, b.indexrelid))[1] as covered_by,
       a.indrelid::pg_catalog.regclass::text as table,
       bool_or(c.relkind = 'I') as partitioned,
       max(c.relpages)::float8 * pg_catalog.current_setting('block_size')::float8 as bytes
  from pg_catalog.pg_index a
  join pg_catalog.pg_index b
    on b.indrelid = a.indrelid and b.indnkeyatts > a.indnkeyatts
   and (b.indkey::int2[])[0:a.indnkeyatts - 1] = (a.indkey::int2[])[0:a.indnkeyatts - 1]
   and (b.indclass::oid[])[0:a.indnkeyatts - 1] = (a.indclass::oid[])[0:a.indnkeyatts - 1]
   and (b.indcollation::oid[])[0:a.indnkeyatts - 1] = (a.indcollation::oid[])[0:a.indnkeyatts - 1]
   and (b.indoption::int2[])[0:a.indnkeyatts - 1] = (a.indoption::int2[])[0:a.indnkeyatts - 1]
  join pg_catalog.pg_class c on c.oid = a.indexrelid and c.relam = 403 and not c.relispartition
  join pg_catalog.pg_class d on d.oid = b.indexrelid and d.relam = 403
 where a.indrelid >= 16384 and a.indisvalid and b.indisvalid
   and not a.indisunique and not a.indisexclusion and not a.indisreplident
   and a.indnatts = a.indnkeyatts
   and a.indexprs is null
   and (case when a.indpred is null then b.indpred is null
             else regexp_replace(a.indpred::text, ':location -?\d+', '', 'g')
                  = regexp_replace(b.indpred::text, ':location -?\d+', '', 'g') end)
 group by a.indexrelid, a.indrelid
 order by bytes desc, 1
