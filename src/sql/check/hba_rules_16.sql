-- From 16 on other files can be included.
select pg_catalog.regexp_replace(h.file_name, '^.*/', '') as file, h.line_number, h.type,
       h.database, h.user_name, h.address, h.netmask, h.auth_method, h.error
  from pg_catalog.pg_hba_file_rules h
 order by h.rule_number nulls first, 1, 2
