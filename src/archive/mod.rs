//! pg_dump's archive, and what pgtend adds to it: bytes in, bytes out.
//!
//! [`toc`] reads the table of contents that pg_dump writes and rewrites it for a directory, or for
//! one file, whose blocks [`custom`] writes;
//! [`frame`] cuts data files into independent compressed pieces; [`rowhash`] fingerprints the
//! rows in them; [`seal`] makes age files of objects; [`manifest`] is the record that makes a folder of objects a backup. Nothing
//! here does input or output of its own.

pub mod custom;
pub mod frame;
pub mod manifest;
pub mod rowhash;
pub mod seal;
pub mod toc;
