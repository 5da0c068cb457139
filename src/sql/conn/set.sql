-- Sets what a session ($3 false) or a transaction ($3 true) starts with: $1 names, $2 values.
-- What this version of the server does not have is left out. It runs before search_path is set:
-- see facts.sql. (An unnest of several arrays is always pg_catalog's.)
select pg_catalog.set_config(wanted.name, wanted.value, $3)
  from unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) as wanted (name, value)
 where pg_catalog.current_setting(wanted.name, true) is not null
