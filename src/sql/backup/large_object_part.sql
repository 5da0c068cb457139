-- Bytes of large object $1 from offset $2 on, at most $3.
SELECT lo_get($1, $2, $3) AS part
