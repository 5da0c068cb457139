-- Every role. The session can make it an owner when it can become it (16: by the SET option)
-- and has its rights afterwards. Of the roles in $1 also: which of them each has the rights of,
-- and whether it may create schemas here.
SELECT r.rolname::text AS name,
       r.rolsuper AS superuser,
       pg_has_role(r.oid, 'USAGE')
         AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int4 >= 160000
                                     THEN 'SET'
                                     ELSE 'MEMBER'
                                 END) AS usable,
       r.rolname = ANY ($1)
         AND has_database_privilege(r.oid, current_database(), 'CREATE') AS may_create,
       ARRAY(SELECT other.rolname::text
               FROM pg_catalog.pg_roles other
              WHERE r.rolname = ANY ($1)
                AND (other.rolname = ANY ($1) OR other.rolname = current_user)
                AND pg_has_role(r.oid, other.oid, 'USAGE')) AS has_rights_of
  FROM pg_catalog.pg_roles r
