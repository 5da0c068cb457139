//! Sources that are not like others: encodings, names, sizes, rights, standbys, moving tables.

mod encodings;
mod moving;
mod rights;
mod sizes;
mod standby;
