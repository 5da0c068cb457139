-- Large objects of the snapshot, with those that the role may not read.
SELECT m.oid,
       current_setting('lo_compat_privileges')::bool
         OR coalesce((SELECT usesuper FROM pg_catalog.pg_user WHERE usename = current_user), false)
         OR pg_has_role(m.lomowner, 'USAGE')
         OR EXISTS (SELECT
                      FROM aclexplode(m.lomacl) a
                     WHERE a.privilege_type = 'SELECT'
                       AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))) AS may_read
  FROM pg_catalog.pg_largeobject_metadata m
 ORDER BY m.oid
