-- Transactions of two phases that wait for their second, $1 at most, the oldest first.
select p.gid,
       p.owner::text as owner,
       p.database::text as database,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared) as seconds,
       pg_catalog.age(p.transaction)::int8 as age
  from pg_catalog.pg_prepared_xacts p
 order by p.prepared, p.gid
 limit $1
