//! `check`: every check fires on a real server when its fault is staged, and is silent before.

mod catalogue;
mod conn;
mod fleet;
mod formats;
mod idx;
mod known;
mod list;
mod page;
mod sample;
mod stage;
