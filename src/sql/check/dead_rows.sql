-- Tables with dead rows, and with how many autovacuum begins (source: PostgreSQL 18 manual,
-- 24.1.6; the upper end is from 18). A TOAST table without options of its own has its table's. Only
-- those where it would begin, the most dead rows first; temporary tables are not its business.
with tables as materialized (
    select coalesce(m.oid, c.oid) as oid, c.relkind = 't' as toast,
           coalesce(c.reloptions, m.reloptions) as options,
           greatest(c.reltuples, 0)::float8 as rows,
           pg_catalog.pg_stat_get_dead_tuples(c.oid) as dead,
           greatest(pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
                    pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)) as vacuumed
      from pg_catalog.pg_class c
      left join pg_catalog.pg_class m on c.relkind = 't' and m.reltoastrelid = c.oid
     where c.relkind in ('r', 'm', 't') and c.relpersistence <> 't'
       and pg_catalog.pg_stat_get_dead_tuples(c.oid) > 0
), options as (
    select t.oid, t.toast, t.dead, t.rows, t.vacuumed,
           coalesce(o.threshold, pg_catalog.current_setting('autovacuum_vacuum_threshold')::float8)
             as threshold,
           coalesce(o.factor, pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::float8)
             as factor,
           coalesce(o.most,
                    pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true)::float8,
                    -1) as most
      from tables t
      left join lateral (
          select max(p.option_value::float8)
                     filter (where p.option_name = 'autovacuum_vacuum_threshold') as threshold,
                 max(p.option_value::float8)
                     filter (where p.option_name = 'autovacuum_vacuum_scale_factor') as factor,
                 max(p.option_value::float8)
                     filter (where p.option_name = 'autovacuum_vacuum_max_threshold') as most
            from pg_catalog.pg_options_to_table(t.options) p) o on t.options is not null
), begins as (
    select o.*,
           case when o.most >= 0 then least(o.most, o.threshold + o.factor * o.rows)
                else o.threshold + o.factor * o.rows end as begins
      from options o
)
select b.oid::pg_catalog.regclass::text as table, b.toast, b.dead, b.begins,
       pg_catalog.date_part('epoch', pg_catalog.now() - b.vacuumed) as vacuumed_ago
  from (select * from begins where dead > begins order by dead desc, oid limit 1001) b
 order by b.dead desc, 1, 2
