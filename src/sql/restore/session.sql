-- Who the session is, what it may do here, and what its database is like. The row of
-- pg_database is read as JSON, for its columns differ: locale providers came with 15, their
-- locale was renamed in 17.
SELECT current_user::text AS role,
       r.rolsuper AS superuser,
       has_database_privilege(d.oid, 'CREATE') AS may_create,
       pg_encoding_to_char(d.encoding)::text AS encoding,
       d.datcollate::text AS lc_collate,
       d.datctype::text AS lc_ctype,
       coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') AS locale_provider,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
       current_setting('server_version') AS version,
       current_setting('server_version_num')::int4 AS version_number,
       -- Lists of the extensions that a provider allows. An empty one of RDS sets no bounds, of
       -- Azure it allows none.
       array_remove(ARRAY[nullif(current_setting('rds.extensions', true), ''),
                          nullif(current_setting('rds.allowed_extensions', true), ''),
                          current_setting('azure.extensions', true)], NULL) AS allowed_extensions,
       -- Groups that stand for a superuser: of the providers, and for subscriptions (16).
       ARRAY(SELECT g.rolname::text
               FROM pg_catalog.pg_roles g
              WHERE g.rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin',
                                  'pg_create_subscription')
                AND pg_has_role(r.oid, g.oid, 'USAGE')) AS groups
  FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
 WHERE r.rolname = current_user
   AND d.datname = current_database()
