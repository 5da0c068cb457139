//! restore: a backup becomes a database again.
//!
//! [`plan`] says what becomes of every entry of the table of contents, [`rehearsal`] adapts it to
//! the [`target`], [`globals`] makes the roles that it lacks; stock pg_restore makes the
//! objects from toc.dat alone, pgtend loads the rows straight from the store.

pub mod globals;
pub mod objects;
pub mod plan;
pub mod rehearsal;
pub mod target;
pub mod words;
