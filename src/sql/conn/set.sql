-- Sets what a session ($3 false) or a transaction ($3 true) starts with: $1 names, $2 values.
-- What this version of the server does not have is left out.
select pg_catalog.set_config(wanted.name, wanted.value, $3)
  from unnest($1::text[], $2::text[]) as wanted (name, value)
 where current_setting(wanted.name, true) is not null
