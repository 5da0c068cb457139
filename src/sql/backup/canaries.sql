-- Of each table ($1: their oids) the partitioned table that it is of, and columns whose largest
-- value is at an end of an index: the one column of the primary key, where it is a number, and
-- the first column of a time. At most one of each kind, one a row; a table without any has one row.
SELECT c.oid,
       CASE WHEN c.relispartition
            THEN (SELECT pg_catalog.format('%I.%I', n.nspname, r.relname)
                    FROM pg_catalog.pg_class r
                    JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
                   WHERE r.oid = pg_catalog.pg_partition_root(c.oid))
        END AS root,
       k.column_name,
       k.is_time
  FROM pg_catalog.pg_class c
  LEFT JOIN LATERAL
       (SELECT DISTINCT ON (a.atttypid IN (1082, 1114, 1184))
               a.attname::text AS column_name,
               a.atttypid IN (1082, 1114, 1184) AS is_time
          FROM pg_catalog.pg_index x
          JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
          JOIN pg_catalog.pg_am m ON m.oid = i.relam
          JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
         WHERE x.indrelid = c.oid
           AND x.indisvalid
           AND x.indpred IS NULL
           AND m.amname = 'btree'
           AND (a.atttypid IN (1082, 1114, 1184)
                OR x.indisprimary AND x.indnkeyatts = 1 AND a.atttypid IN (20, 21, 23))
         ORDER BY a.atttypid IN (1082, 1114, 1184), NOT a.attnotnull, a.attnum) k ON true
 WHERE c.oid = ANY ($1)
 ORDER BY c.oid
