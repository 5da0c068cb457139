-- What a database holds, one line for each thing, so that equal content gives equal text.
-- harness/compare.rs runs it; names are JSON strings, for they may hold line breaks.

-- Tables: rows, and the sum of a hash over each row's text with the columns by name. Order does
-- not count: neither that of the rows nor, for inherited late columns, that of the columns.
-- Hash partitions on an enum are counted together under their root, wherever a row lies.
WITH RECURSIVE loaded_through_root AS (
    SELECT p.partrelid AS root, p.partrelid AS member
    FROM pg_partitioned_table p
    JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE p.partstrat = 'h' AND t.typtype = 'e'
  UNION
    SELECT l.root, i.inhrelid FROM loaded_through_root l JOIN pg_inherits i ON i.inhparent = l.member
), part AS (
    -- Every table with rows of its own, and such roots in place of their members.
    SELECT c.oid, c.relkind, c.relispopulated, c.relnamespace, c.relname
    FROM pg_class c
    WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
      AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND (c.relkind <> 'p') = (c.oid NOT IN (SELECT member FROM loaded_through_root))
      AND c.oid NOT IN (SELECT member FROM loaded_through_root WHERE member <> root)
), named AS (
    SELECT p.*, format('%I.%I', n.nspname, p.relname) AS qualified,
           CASE WHEN p.relkind = 'p' THEN '' ELSE 'ONLY ' END AS alone,
           (SELECT string_agg(format('x.%I', a.attname), ', ' ORDER BY a.attname COLLATE "C")
            FROM pg_attribute a
            WHERE a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM part p JOIN pg_namespace n ON n.oid = p.relnamespace
)
SELECT CASE WHEN relispopulated THEN
    format('SELECT %L, count(*), coalesce(sum(hashtextextended(ROW(%s)::text, 0)), 0) FROM %s%s x',
           'rows ' || to_json(qualified), columns, alone, qualified)
    ELSE format('SELECT %L', 'not populated ' || to_json(qualified)) END
FROM named ORDER BY qualified COLLATE "C"
\gexec

-- Sequences
SELECT format('SELECT %L, last_value, is_called FROM %I.%I',
              'sequence ' || to_json(format('%I.%I', n.nspname, c.relname)), n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
\gexec

-- Large objects; the order of the entries in a list of rights means nothing
SELECT 'large object ' || m.oid, pg_get_userbyid(m.lomowner),
       (SELECT string_agg(entry::text, ' ' ORDER BY entry::text COLLATE "C")
        FROM unnest(m.lomacl) entry),
       to_json(obj_description(m.oid, 'pg_largeobject')), md5(lo_get(m.oid))
FROM pg_largeobject_metadata m ORDER BY m.oid;
