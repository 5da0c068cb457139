-- Updates whose new row found no room on its page.
select u.oid::pg_catalog.regclass::text as table, u.updates, u.moved
  from (select c.oid,
               pg_catalog.pg_stat_get_tuples_updated(c.oid) as updates,
               pg_catalog.pg_stat_get_tuples_newpage_updated(c.oid) as moved
          from pg_catalog.pg_class c
         where c.relkind in ('r', 'm') and c.relpersistence <> 't'
           and c.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace
           and pg_catalog.pg_stat_get_tuples_newpage_updated(c.oid) > 0
         order by moved desc, c.oid
         limit 1001) u
