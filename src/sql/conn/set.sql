-- Sets what a session starts with: $1 names, $2 values. What this version of the server does
-- not have is left out. The process number tells a transaction pooler.
select pg_catalog.set_config(wanted.name, wanted.value, false),
       pg_catalog.pg_backend_pid() as pid
  from unnest($1::text[], $2::text[]) as wanted (name, value)
 where current_setting(wanted.name, true) is not null
