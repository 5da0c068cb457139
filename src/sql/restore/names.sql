-- What else entries of an archive name, and whether the role may use it.
SELECT 'tablespace' AS kind, t.spcname::text AS name, has_tablespace_privilege(t.oid, 'CREATE') AS usable
  FROM pg_catalog.pg_tablespace t
UNION ALL
SELECT 'access method', a.amname::text, true
  FROM pg_catalog.pg_am a
UNION ALL
SELECT 'language', l.lanname::text,
       has_language_privilege(l.oid, 'USAGE') AND (l.lanpltrusted OR r.rolsuper)
  FROM pg_catalog.pg_language l
  JOIN pg_catalog.pg_roles r ON r.rolname = current_user
UNION ALL
SELECT 'wrapper', w.fdwname::text, has_foreign_data_wrapper_privilege(w.oid, 'USAGE')
  FROM pg_catalog.pg_foreign_data_wrapper w
UNION ALL
SELECT 'setting', lower(s.name), s.context = 'user'
  FROM pg_catalog.pg_settings s
