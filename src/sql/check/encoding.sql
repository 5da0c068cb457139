-- How the text of this database is encoded.
select d.datname::text as database,
       pg_catalog.pg_encoding_to_char(d.encoding)::text as encoding
  from pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()
