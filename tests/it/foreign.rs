//! Files of pg_dump, restored and verified by pgtend: every format, cut anywhere, hostile, misnamed.

mod changes;
mod cut;
pub mod files;
mod formats;
mod hostile;
mod proofs;
mod safety;
mod stored;
