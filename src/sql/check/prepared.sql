-- Transactions of two phases that wait for their second.
select p.gid,
       p.owner::text as owner,
       p.database::text as database,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared) as seconds
  from pg_catalog.pg_prepared_xacts p
 order by p.prepared, p.gid
