-- The first bytes ($2: how many) of some large objects ($1: their oids).
SELECT o.oid, lo_get(o.oid, 0, $2) AS head
  FROM unnest($1) AS o (oid)
