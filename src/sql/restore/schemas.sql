-- Schemas, and who of the roles in $1 may create in them.
SELECT n.nspname::text AS name,
       pg_get_userbyid(n.nspowner)::text AS owner,
       pg_has_role(n.nspowner, 'USAGE') AS owned,
       has_schema_privilege(n.oid, 'CREATE') AS may_create,
       ARRAY(SELECT r.rolname::text
               FROM pg_catalog.pg_roles r
              WHERE r.rolname = ANY ($1)
                AND has_schema_privilege(r.oid, n.oid, 'CREATE')) AS creators
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname !~ '^pg_(toast_)?temp_'
