//! pg_dump's archive, and what pgtend adds to it: bytes in, bytes out.
//!
//! [`toc`] reads the table of contents that pg_dump writes and rewrites it for a directory;
//! [`frame`] cuts data files into independent compressed pieces; [`rowhash`] fingerprints the
//! rows in them; [`manifest`] is the record that makes a folder of objects a backup. Nothing
//! here does input or output of its own.

pub mod foreign;
pub mod frame;
pub mod manifest;
pub mod rowhash;
pub mod toc;
