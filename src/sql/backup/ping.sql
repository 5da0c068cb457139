-- Shows that the session lives.
SELECT 1 AS alive
