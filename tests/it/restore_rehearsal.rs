//! What the rehearsal of a restore plans, stock pg_restore makes without an error, as a superuser
//! and as a role that owns the database and nothing else.

mod scene;

mod existing;
mod predicts;
