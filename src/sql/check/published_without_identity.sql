-- Published tables whose rows cannot be named to subscribers: their UPDATE and DELETE fail.
select p.pubname::text as publication,
       c.oid::pg_catalog.regclass::text as table
  from pg_catalog.pg_publication p
  join pg_catalog.pg_publication_tables t on t.pubname = p.pubname
  join pg_catalog.pg_namespace n on n.nspname = t.schemaname
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
 where (p.pubupdate or p.pubdelete)
   and (c.relreplident = 'n'
        or c.relreplident = 'd' and not exists (select from pg_catalog.pg_index i
                                                 where i.indrelid = c.oid and i.indisprimary
                                                   and i.indimmediate and i.indisvalid)
        or c.relreplident = 'i' and not exists (select from pg_catalog.pg_index i
                                                 where i.indrelid = c.oid and i.indisreplident))
 order by 2, 1
