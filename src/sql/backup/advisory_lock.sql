-- Takes the session's lock $1, or says that another session has it.
SELECT pg_try_advisory_lock($1) AS locked
