-- Roles whose password is kept as md5; only columns that can be granted one by one.
select a.rolname::text as role, a.rolcanlogin as may_login
  from pg_catalog.pg_authid a
 where a.rolpassword like 'md5%'
 order by 1
