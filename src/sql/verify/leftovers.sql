-- Scratch databases that nobody uses: the session that made it is gone, and nobody is connected.
SELECT d.datname::text AS name,
       m.backend IS NOT NULL AS is_marked
  FROM pg_catalog.pg_database d
 CROSS JOIN LATERAL (
        SELECT regexp_match(shobj_description(d.oid, 'pg_database'),
                 '^pgtend scratch database of backend (\d+) started at (\d+) us$') AS backend) m
 WHERE d.datname ~ '^pgtend_verify_[0-9a-f]{16}$'
   AND pg_has_role(d.datdba, 'USAGE')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)
   AND NOT EXISTS (SELECT
                     FROM pg_catalog.pg_stat_activity a
                    WHERE a.pid = m.backend[1]::int4
                      -- Hidden from other roles: then it may be the one.
                      AND coalesce((extract(epoch FROM a.backend_start) * 1e6)::int8
                                     = m.backend[2]::int8, true))
