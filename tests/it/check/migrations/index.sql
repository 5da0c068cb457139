SET lock_timeout = '5s';
CREATE INDEX by_note ON orders (note);
