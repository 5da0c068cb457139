//! restore: a backup becomes a database again.
//!
//! [`plan`] says what becomes of every entry of the table of contents; stock pg_restore makes the
//! objects from toc.dat alone, pgtend loads the rows straight from the store. [`parts`] narrows a
//! plan to some tables or schemas, [`beside`] gives one table another name, [`clean`] drops what
//! a plan makes again.

mod belonging;
pub mod beside;
pub mod clean;
pub mod dependents;
pub mod names;
pub mod parts;
pub mod plan;
mod statement;
