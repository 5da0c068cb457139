//! What every command promises: exit codes, streams, forms of output, and what it says when it
//! cannot do what was asked.

mod programs;
mod repository;
mod streams;
mod terminal;
mod usage;
