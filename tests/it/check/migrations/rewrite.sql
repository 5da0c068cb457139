SET lock_timeout = '5s';

-- int is full soon
ALTER TABLE orders ALTER COLUMN id TYPE bigint;
