-- Writes pieces of large objects: $1 their oids, $2 offsets, $3 bytes.
SELECT count(pg_catalog.lo_put(piece.oid, piece.start, piece.bytes)::text) AS written
  FROM unnest($1::oid[], $2::int8[], $3::bytea[]) AS piece (oid, start, bytes)
