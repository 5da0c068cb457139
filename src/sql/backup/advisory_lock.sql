-- Takes lock $1 for the session, or with $2 for the transaction; says no when another has it.
SELECT CASE WHEN $2 THEN pg_try_advisory_xact_lock($1) ELSE pg_try_advisory_lock($1) END AS locked
