-- Extensions that are installed, and those that could be.
SELECT coalesce(e.extname, a.name)::text AS name,
       n.nspname::text AS schema,
       coalesce(pg_has_role(e.extowner, 'USAGE'), false) AS owned,
       a.name IS NOT NULL AS available,
       coalesce(v.superuser, true) AS superuser,
       coalesce(v.trusted, false) AS trusted
  FROM pg_catalog.pg_available_extensions a
  LEFT JOIN pg_catalog.pg_available_extension_versions v
    ON v.name = a.name AND v.version = a.default_version
  FULL JOIN pg_catalog.pg_extension e ON e.extname = a.name
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
