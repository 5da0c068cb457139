-- Sets $1 to $2 for the session.
SELECT pg_catalog.set_config($1, $2, false) AS value
