-- This database: its size, and how many connections it and this session's role may have.
select d.datname as database,
       pg_catalog.pg_database_size(d.oid) as bytes,
       d.datconnlimit::int8 as connection_limit
  from pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()
