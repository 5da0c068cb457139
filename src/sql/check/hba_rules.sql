-- The rules of pg_hba.conf, as they are in the file. Options may hold passwords and are left out.
select 'pg_hba.conf'::text as file, h.line_number, h.type, h.database, h.user_name, h.address,
       h.netmask, h.auth_method, h.error
  from pg_catalog.pg_hba_file_rules h
 order by 2
